import { describeStore } from "./store-suite.ts";
import { openTemporarySqlite } from "./temporary-store.ts";

describeStore("sqlite", openTemporarySqlite);
