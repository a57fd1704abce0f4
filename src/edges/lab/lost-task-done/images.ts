/** What is uploaded in both programs. The fourth is not an image. */
export const IMAGES: readonly string[] = [
  ...["harbour.jpg", "meadow.jpg", "bridge.jpg"],
  ...["corrupt.jpg", "forest.jpg", "market.jpg"],
];

/** Stands for a decoder: gives way once, and throws on what it cannot read. */
export async function resize(image: string): Promise<string> {
  await new Promise(setImmediate);
  if (image.startsWith("corrupt")) throw new Error(`${image} is not an image`);
  return image.replace(".jpg", "-small.jpg");
}
