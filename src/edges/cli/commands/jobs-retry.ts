import { STATE_FACTS } from "../../../core/job-state.ts";
import { chosenJobs, countedByState, leftAlone } from "../chosen-jobs.ts";
import { type Command, defineCommand, EXIT, STORE_FLAG, YES_FLAG } from "../command.ts";
import { confirm } from "../confirmation.ts";
import { sameStore, withApp } from "../opened-app.ts";

const FLAGS = { yes: YES_FLAG, store: STORE_FLAG } as const;
const WHERE = "unjam jobs retry";

export const jobsRetry: Command = defineCommand<typeof FLAGS>({
  name: "jobs retry",
  summary: "give dead, cancelled, expired or dropped jobs another round",
  args: [{ name: "id", about: "ids of jobs", count: "many" }],
  flags: FLAGS,
  examples: ["jobs retry j_1c", "jobs retry j_1c j_1d --yes"],
  errors: ["UNJAM_JOB_UNKNOWN", "UNJAM_STORE_MISSING"],

  async run(context) {
    const { words, flags, screen } = context;
    const ids = await withApp(context, { mustExist: true }, async (app) => {
      const jobs = await chosenJobs(app, words, WHERE);
      const able = jobs.filter(({ state }) => STATE_FACTS[state].settled && state !== "done");
      const deed = `retry ${countedByState(able)}`;
      const isMeant =
        able.length > 0 && (await confirm({ deed, where: WHERE, isYes: flags.yes }, context));
      const retried = isMeant ? await app.retry(able.map(({ id }) => id)) : [];
      return { retried, unchanged: jobs.filter(({ id }) => !retried.includes(id)) };
    });
    const { retried, unchanged } = ids;
    screen.show(
      { retried, unchanged: unchanged.map(({ id, state }) => ({ id, state })) },
      retried.map((id) => `${id} is ready again`),
    );
    for (const line of leftAlone(unchanged)) screen.say(line);
    screen.next(`unjam jobs${sameStore(context)}`);
    return unchanged.length === 0 ? EXIT.ok : EXIT.failed;
  },
});
