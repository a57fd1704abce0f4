/** Draws the images in samples/. Run it with `node examples/media-api/make-samples.ts`. */
import { writeFile } from "node:fs/promises";
import sharp from "sharp";

const WIDTH = 960;
const HEIGHT = 640;

function scene(sky: readonly [string, string], shapes: string): Buffer {
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">
    <defs><linearGradient id="sky" x2="0" y2="1">
      <stop offset="0" stop-color="${sky[0]}"/><stop offset="1" stop-color="${sky[1]}"/>
    </linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#sky)"/>${shapes}</svg>`);
}

const harbour = scene(
  ["#1d3557", "#f4a261"],
  `<circle cx="700" cy="330" r="70" fill="#ffe8a3"/>
   <rect y="400" width="960" height="240" fill="#264653"/>
   <path d="M120 420 h260 l-40 60 h-180 z" fill="#e76f51"/>
   <path d="M250 150 v260 h-110 z M262 200 v210 h90 z" fill="#f1faee"/>
   <path d="M0 520 q60 -20 120 0 t120 0 t120 0 t120 0 t120 0 t120 0 t120 0 t120 0" fill="none" stroke="#a8dadc" stroke-width="6"/>`,
);
const meadow = scene(
  ["#8ecae6", "#fefae0"],
  `<circle cx="200" cy="140" r="60" fill="#ffb703"/>
   <path d="M0 420 q240 -140 480 0 t480 0 v220 h-960 z" fill="#588157"/>
   <path d="M0 500 q320 -90 640 0 t320 0 v140 h-960 z" fill="#3a5a40"/>
   <path d="M640 440 v-120 m0 0 l-60 60 m60 -60 l60 60 m-60 -110 l-45 55 m45 -55 l45 55" stroke="#344e41" stroke-width="14" fill="none"/>`,
);

const folder = new URL("samples/", import.meta.url);
const jpeg = await sharp(harbour).jpeg({ quality: 92 }).toBuffer();
await writeFile(new URL("harbour.jpg", folder), jpeg);
await writeFile(
  new URL("meadow.png", folder),
  await sharp(meadow).png({ palette: true }).toBuffer(),
);
// What a broken connection leaves of a photograph: its head says JPEG, and its end is missing.
await writeFile(new URL("broken.jpg", folder), jpeg.subarray(0, jpeg.length / 2));
