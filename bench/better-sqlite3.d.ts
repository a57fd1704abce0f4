// better-sqlite3 ships no types. What plainjob, liteque and we touch is opening, closing and pragmas.
declare module "better-sqlite3" {
  export type Transaction<F> = F;
  export class Database {
    constructor(file: string);
    readonly name: string;
    pragma(statement: string): unknown;
    close(): void;
  }
  export default Database;
}
