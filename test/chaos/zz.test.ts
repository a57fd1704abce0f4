import { it } from "vitest";
import { Chance } from "/work/main/test/chaos/chance.ts";
import { Ledger } from "/work/main/test/chaos/ledger.ts";
import { SmallDisk } from "/work/main/test/chaos/small-disk.ts";
import { StoreFile } from "/work/main/test/chaos/store-file.ts";
import { statSync, existsSync, readdirSync } from "node:fs";
it("x", async () => {
  const chance = new Chance(Number(process.env.S ?? 1));
  for (let i = 0; i < 40; i++) {
    using disk = SmallDisk.ext4();
    using ledger = new Ledger(disk.folder);
    await using program = ledger.start({ BASE: "1000000" });
    await program.line("ready");
    const d = chance.between(20, 250);
    await new Promise<void>((over) => { setTimeout(() => { disk.cutPower(); over(); }, d); });
    const cutAcks = ledger.acknowledged().length;
    await program.kill();
    const acked = ledger.acknowledged();
    disk.unmount(); disk.mount();
    const files = readdirSync(disk.folder).map(f=>f+":"+statSync(disk.folder+"/"+f).size);
    using file = StoreFile.open(ledger.store);
    const jobs = file.hasTables ? file.jobs() : [];
    const stored = new Set(jobs.map(({ n }) => n));
    const lost = acked.filter((n) => !stored.has(n));
    if (lost.length>0 || process.env.V) console.log(i, "delay", d, "acked", acked.length, "atCut", cutAcks, "stored", jobs.length, "lost", lost.length, lost.slice(0,5), "firstLostIdx", acked.indexOf(lost[0]!), "lastacked", acked.slice(-3), files.join(" "), file.hasTables, program.lines.slice(1).join("|").slice(0,300));
  }
}, 200000);
