// Each button does what it says, with JavaScript and without, and can be taken back.

import assert from "node:assert/strict";
import { eventually } from "./site.mjs";

const REASON = "meant so, by the release notes";
const click = (page, name) => page.getByRole("button", { name }).click();

async function shadowsChange(site, { page }) {
    const open = () => page.goto(`${site.base}/shadows/next`);
    await open();
    await click(page, "Pause");
    await page.getByRole("button", { name: "Resume" }).waitFor();
    assert.equal((await site.shadow("next")).paused, true);
    assert.match(await page.locator("main").innerText(), /paused/);
    await click(page, "Resume");
    await page.getByRole("button", { name: "Pause" }).waitFor();
    assert.equal((await site.shadow("next")).paused, false);

    const share = page.getByLabel("Share of the requests");
    for (const [text, percent] of [["25", "25%"], ["12.5 %", "12.5%"], ["100%", "100%"]]) {
        await share.fill(text);
        await click(page, "Set");
        await eventually(percent, async () => (await site.shadow("next")).sample.percent === percent);
        assert.equal(page.url(), `${site.base}/shadows/next`);
    }
    await share.fill("a lot");
    await click(page, "Set");
    await page.getByRole("heading", { level: 1, name: "Nothing was changed" }).waitFor();
    assert.equal((await site.shadow("next")).sample.percent, "100%");
    // Another shadow was not meant.
    assert.deepEqual((await site.shadow("other")).changes, []);
}

/** What the report of `next` says of a cause. */
async function cause(site, id) {
    const report = (await site.reports()).find((report) => report.shadow === "next");
    return report.causes.find((cause) => cause.id === id);
}

const rules = async (site) => (await site.reports()).find((report) => report.shadow === "next").rules;

async function marks(site, { page }) {
    const [report] = await site.reports();
    const { id, title } = report.causes[0];
    for (const [name, action, isHidden] of [["Expected", "expected", true], ["Ignore", "ignore", true], ["Not noise", "never-noise", false]]) {
        await page.goto(`${site.base}/causes/${id}?shadow=next`);
        // Nothing is marked without a reason.
        await click(page, name);
        assert.deepEqual(await rules(site), []);
        await page.getByLabel("Reason").fill(REASON);
        if (action === "expected") await page.getByLabel("Until").fill("2199-12-31");
        await click(page, name);
        await page.waitForURL((url) => url.pathname === "/rules");
        await page.getByRole("status").filter({ hasText: "It is marked" }).waitFor();
        assert.ok((await page.locator("main").innerText()).includes(REASON));
        const [rule, ...others] = await rules(site);
        assert.deepEqual(others, []);
        assert.deepEqual([rule.action, rule.reason], [action, REASON]);
        if (action === "expected") assert.match(rule.until, /^2199-12-31/);
        await eventually(`${title} ${isHidden ? "hidden" : "told"}`, async () => (await cause(site, id) === undefined) === isHidden);

        await page.getByRole("button", { name: /^Take back/ }).click();
        await page.getByRole("status").filter({ hasText: "taken back" }).waitFor();
        assert.deepEqual(await rules(site), []);
        await eventually(`${title} told again`, async () => await cause(site, id) !== undefined);
    }
}

async function sendsAgain(site, { page }) {
    const report = (await site.reports()).find((report) => report.shadow === "next");
    const { id } = report.causes.find((cause) => /total/.test(cause.title));
    await page.goto(`${site.base}/causes/${id}?shadow=next`);
    await page.getByRole("button", { name: /send|replay/i }).click();
    const notice = page.getByRole("status").filter({ hasText: "status" });
    await notice.waitFor();
    assert.match(await notice.innerText(), /200/);
    // What came of it is a view of its own: to load it again sends nothing again.
    assert.doesNotMatch(page.url(), /\/replay/);
    await page.reload();
    await page.getByRole("heading", { level: 1 }).waitFor();
}

/** A form of a page that is older than the process, or made up, changes nothing. */
async function isOld(site, { page }) {
    const before = await site.state();
    await page.goto(`${site.base}/shadows/next`);
    await page.locator("input[name=key]").first().evaluate((key) => { key.value = "AAAAAAAAAAAAAAAAAAAAAA"; });
    await page.locator("main input[name=key]").evaluateAll((keys) => keys.forEach((key) => { key.value = "x"; }));
    await click(page, "Pause");
    await page.getByRole("heading", { level: 1, name: "too old" }).waitFor();
    assert.deepEqual(await site.state(), before);
}

async function copies(site) {
    const visitor = await site.visitor({ permissions: [] });
    const report = (await site.reports()).find((report) => report.shadow === "next");
    await visitor.open(`/causes/${report.causes[0].id}?shadow=next`);
    const button = visitor.page.getByRole("button", { name: "Copy" });
    await button.click();
    // The name changes to what was done.
    await visitor.page.getByRole("button", { name: /Copied|Marked/ }).waitFor();
    visitor.unharmed();
}

const both = (check) => async (site) => {
    for (const javaScriptEnabled of [true, false]) {
        const visitor = await site.visitor({ javaScriptEnabled });
        await check(site, visitor);
        visitor.unharmed(/status of 40[03]/);
    }
};

export const checks = {
    "a shadow is paused, resumed, and gets another share": both(shadowsChange),
    "a cause is marked, and taken back": both(marks),
    "an example is sent once more": both(sendsAgain),
    "a form of an older page changes nothing": both(isOld),
    "the command line of an example is copied": copies,
};
