/**
 * Asks `/healthz` again and again until the others have their answers, once at least. The answers
 * that came, each as its status and body.
 */
export async function healthWhile(
  get: (path: string) => Promise<Response>,
  others: Promise<unknown>,
): Promise<Set<string>> {
  const answers = new Set<string>();
  const progress = { isOver: false };
  const over = others.finally(() => {
    progress.isOver = true;
  });
  do {
    const response = await get("/healthz");
    answers.add(`${response.status} ${await response.text()}`);
  } while (!progress.isOver);
  await over;
  return answers;
}
