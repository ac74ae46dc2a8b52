// Runs the checks of one file in a real browser, and tells which of them failed: node run.mjs FILE NAME=VALUE...
//
// It needs BROWSER_MODULES, the folder into which tests/run.sh installs what package.json names. A file exports `checks`:
// sentences about behaviour, each with a function that throws where the sentence is not true. They run one after the
// other, in the order of the file, against the administration whose address is `base`.

import { Site } from "./site.mjs";

// For a machine that does many other things at the same time.
const LIMIT = 240_000;

async function within(limit, what, promise) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what} takes more than ${limit / 1000} s`)), limit);
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}

const [file, ...pairs] = process.argv.slice(2);
const values = Object.fromEntries(pairs.map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), pair.slice(at + 1)];
}));
const { checks } = await import(`./${file}`);
const site = await Site.open(values);
let failed = 0;
try {
    for (const [name, check] of Object.entries(checks)) {
        const begin = Date.now();
        try {
            await within(LIMIT, name, check(site));
            console.log(`ok      ${name} (${Date.now() - begin} ms)`);
        } catch (error) {
            failed += 1;
            console.log(`FAILED  ${name}\n${error.stack ?? error}\n`);
        } finally {
            await site.leave();
        }
    }
} finally {
    await site.close();
}
process.exitCode = failed === 0 ? 0 : 1;
