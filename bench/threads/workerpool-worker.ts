import { worker } from "workerpool";
import { echo, increment } from "./work.ts";

worker({ increment, echo });
