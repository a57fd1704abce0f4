import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IMAGE_BYTES = 32 * 1024 * 1024;

function run(...[command = "", ...argv]: readonly string[]): void {
  const { status, stderr } = spawnSync(command, argv, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${argv.join(" ")} failed: ${stderr}`);
}

/** @throws by name: without these the machine has not tested what a disk can do. */
export function requireMounts(): void {
  if (process.getuid?.() !== 0) throw new Error("only root can mount a disk; run as root");
  if (spawnSync("mkfs.ext4", ["-V"]).status !== 0)
    throw new Error("mkfs.ext4 is missing; apt-get install e2fsprogs");
  if (spawnSync("perl", ["-v"]).status !== 0)
    throw new Error("perl is missing; apt-get install perl-base");
}

/** A disk of its own: a small one in memory, or an ext4 in a file. */
export class SmallDisk implements Disposable {
  readonly folder: string;
  readonly #base: string = mkdtempSync(join(tmpdir(), "unjam-disk-"));
  readonly #image: string = join(this.#base, "image");

  private constructor() {
    this.folder = join(this.#base, "mounted");
    mkdirSync(this.folder);
  }

  /** `bytes` in memory: full when they are used up. */
  static inMemory(bytes: number): SmallDisk {
    const disk = new SmallDisk();
    run("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", disk.folder);
    return disk;
  }

  static ext4(): SmallDisk {
    const disk = new SmallDisk();
    writeFileSync(disk.#image, "");
    truncateSync(disk.#image, IMAGE_BYTES);
    run("mkfs.ext4", "-q", "-F", disk.#image);
    disk.mount();
    return disk;
  }

  mount(...options: readonly string[]): void {
    run("mount", "-o", ["loop", ...options].join(","), this.#image, this.folder);
  }

  /** At once, whoever still has a file open there. */
  unmount(): void {
    run("umount", "--lazy", this.folder);
  }

  /** A power cut: whatever no fsync has asked for is gone. Mount it again to see what is left. */
  cutPower(): void {
    const shutDown =
      'open(F, "<", $ARGV[0]) or die; my $f = pack("L", 2); ioctl(F, 0x8004587d, $f) or die $!';
    run("perl", "-e", shutDown, this.folder);
  }

  /** What the kernel does when the disk's own structures fail: from now on it can only be read. */
  emergencyReadOnly(): void {
    run("mount", "-o", "remount,abort", this.folder);
  }

  [Symbol.dispose](): void {
    this.unmount();
    rmSync(this.#base, { recursive: true });
  }
}
