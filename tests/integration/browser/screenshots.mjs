// Pictures of the pages for the documentation: node screenshots.mjs base=ADDRESS chromium=FILE to=FOLDER
//
// Those that were there are replaced, and it is told how much of each has changed, for a person to look at.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Site, eventually } from "./site.mjs";

const DESKTOP = { width: 1280, height: 720 };
const PHONE = { width: 390, height: 844 };

/** The share of pixels that are not the same, in percent. */
async function changed(page, before, after) {
    return page.evaluate(async (files) => {
        const pixels = await Promise.all(files.map(async (file) => {
            const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
            const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
            const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
            context.drawImage(image, 0, 0);
            return new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
        }));
        const [one, other] = pixels;
        if (one.length !== other.length) return 100;
        const different = one.reduce((count, pixel, at) => count + (pixel === other[at] ? 0 : 1), 0);
        return 100 * different / one.length;
    }, [before, after].map((bytes) => bytes.toString("base64")));
}

const values = Object.fromEntries(process.argv.slice(2).map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), pair.slice(at + 1)];
}));
const site = await Site.open(values);
try {
    const [report] = await eventually("causes to show", async () => {
        const reports = await site.reports();
        return reports[0].causes?.length > 3 && reports;
    });
    // One with a value on each side says the most.
    const cause = report.causes.find(({ example }) => example.primary && example.shadow && !/fails/.test(example.primary)) ?? report.causes[0];
    const views = [
        ["causes", "/", DESKTOP],
        ["cause", `/causes/${cause.id}?shadow=${report.shadow}`, DESKTOP],
        ["phone", "/", PHONE],
    ];
    for (const colorScheme of ["light", "dark"]) {
        for (const [name, path, viewport] of views) {
            const visitor = await site.visitor({ colorScheme, viewport });
            await visitor.open(path);
            const picture = await visitor.page.screenshot({ animations: "disabled" });
            const file = join(values.to, `${name}-${colorScheme}.png`);
            const before = existsSync(file) ? readFileSync(file) : undefined;
            writeFileSync(file, picture);
            const blank = (await site.visitor()).page;
            const what = before ? `${(await changed(blank, before, picture)).toFixed(1)} % of it changed` : "new";
            console.log(`${file}: ${Math.ceil(picture.length / 1024)} KiB, ${what}`);
            visitor.unharmed();
            await site.leave();
        }
    }
} finally {
    await site.close();
}
