import { statfs } from "node:fs/promises";

/** What is known about a kind of file system as a home for jobs. */
interface Kind {
  readonly name: string;
  /** Why jobs are not safe there. */
  readonly danger?: string;
}

const GONE_AT_REBOOT = "it lives in memory: a reboot loses every job";
const NO_LOCKS =
  "SQLite needs locks that network file systems do not give: the file can be damaged";

/** `f_type` of statfs(2) on Linux. Elsewhere the numbers mean other things. */
const KINDS: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [0xef53, { name: "ext4" }],
  [0x58465342, { name: "xfs" }],
  [0x9123683e, { name: "btrfs" }],
  [0x2fc12fc1, { name: "zfs" }],
  [0xf2f52010, { name: "f2fs" }],
  [0xca451a4e, { name: "bcachefs" }],
  [0x01021994, { name: "tmpfs", danger: GONE_AT_REBOOT }],
  [0x858458f6, { name: "ramfs", danger: GONE_AT_REBOOT }],
  [0x6969, { name: "nfs", danger: NO_LOCKS }],
  [0xff534d42, { name: "cifs", danger: NO_LOCKS }],
  [0xfe534d42, { name: "smb2", danger: NO_LOCKS }],
  [0x517b, { name: "smb", danger: NO_LOCKS }],
  [0x01021997, { name: "9p", danger: NO_LOCKS }],
  [0x794c7630, { name: "overlay", danger: "it is a container's own layer, and ends with it" }],
  [0x65735546, { name: "fuse", danger: "whether a lock and an fsync hold is up to its driver" }],
]);

export interface FileSystemFacts extends Kind {
  readonly freeBytes: number;
}

export async function fileSystemOf(folder: string): Promise<FileSystemFacts> {
  const { type, bavail, bsize } = await statfs(folder);
  const kind = process.platform === "linux" ? KINDS.get(type) : undefined;
  const name = `unknown (type 0x${type.toString(16)})`;
  return { ...(kind ?? { name }), freeBytes: bavail * bsize };
}
