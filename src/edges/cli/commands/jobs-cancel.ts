import type { App } from "../../../client/app.ts";
import type { JobStatus } from "../../../client/job-handle.ts";
import { STATE_FACTS } from "../../../core/job-state.ts";
import { chosenJobs, countedByState, leftAlone } from "../chosen-jobs.ts";
import { type Command, defineCommand, EXIT, STORE_FLAG, YES_FLAG } from "../command.ts";
import { confirm } from "../confirmation.ts";
import { sameStore, withApp } from "../opened-app.ts";
import { shellWord } from "../screen.ts";

const FLAGS = { yes: YES_FLAG, store: STORE_FLAG } as const;
const WHERE = "unjam jobs cancel";

export const jobsCancel: Command = defineCommand<typeof FLAGS>({
  name: "jobs cancel",
  summary: "cancel unfinished jobs; a running one is told to stop",
  args: [{ name: "id", about: "ids of jobs", count: "many" }],
  flags: FLAGS,
  examples: ["jobs cancel j_1c", "jobs cancel j_1c j_1d --yes"],
  errors: ["UNJAM_JOB_UNKNOWN", "UNJAM_STORE_MISSING"],

  async run(context) {
    const { words, flags, screen } = context;
    const { cancelled, unchanged } = await withApp(context, { mustExist: true }, async (app) => {
      const jobs = await chosenJobs(app, words, WHERE);
      const able = jobs.filter(({ state }) => !STATE_FACTS[state].settled);
      const deed = `cancel ${countedByState(able)}`;
      const isMeant =
        able.length > 0 && (await confirm({ deed, where: WHERE, isYes: flags.yes }, context));
      const gone = isMeant ? await cancelEach(app, able) : [];
      return { cancelled: gone, unchanged: jobs.filter(({ id }) => !gone.includes(id)) };
    });
    screen.show(
      { cancelled, unchanged: unchanged.map(({ id, state }) => ({ id, state })) },
      cancelled.map((id) => `${id} is cancelled`),
    );
    for (const line of leftAlone(unchanged)) screen.say(line);
    const again = cancelled.map(shellWord).slice(0, 3).join(" ");
    screen.next(`unjam jobs${again === "" ? "" : ` retry ${again}`}${sameStore(context)}`);
    return unchanged.length === 0 ? EXIT.ok : EXIT.failed;
  },
});

async function cancelEach(app: App, jobs: readonly JobStatus[]): Promise<readonly string[]> {
  const answers = await Promise.all(
    jobs.map(async ({ id }) => ({ id, wasCancelled: await app.job(id).cancel() })),
  );
  return answers.flatMap(({ id, wasCancelled }) => (wasCancelled ? [id] : []));
}
