/** What is installed from npm, exactly; docs/frameworks.md names the same versions. */
export const VERSIONS = {
  "@nestjs/common": "12.5.1",
  "@nestjs/core": "12.5.1",
  "@nestjs/platform-express": "12.5.1",
  "@types/node": "24.19.2",
  esbuild: "0.28.2",
  jest: "30.5.2",
  next: "16.4.6",
  react: "19.3.1",
  "react-dom": "19.3.1",
  "reflect-metadata": "0.2.2",
  rxjs: "7.8.2",
  typescript: "7.0.2",
  vitest: "5.1.0",
} as const;

export type PackageName = keyof typeof VERSIONS;
