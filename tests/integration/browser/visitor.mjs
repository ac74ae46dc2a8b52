// One person with a browser, and a list of all that a page of the administration must never do in it.

import assert from "node:assert/strict";

// Told by the browser itself, whatever the page listens to.
const TELL_VIOLATIONS = () => {
    document.addEventListener("securitypolicyviolation", (event) => {
        console.error(`Content-Security-Policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
};

export class Visitor {
    static async arrive(browser, base, options) {
        const context = await browser.newContext({ reducedMotion: "reduce", ...options });
        context.setDefaultTimeout(60_000);
        if (options.javaScriptEnabled !== false) await context.addInitScript(TELL_VIOLATIONS);
        const visitor = new Visitor(context, base);
        context.on("page", (page) => visitor.#watch(page));
        visitor.page = await context.newPage();
        return visitor;
    }

    constructor(context, base) {
        Object.assign(this, { context, base, faults: [], requests: [] });
    }

    #watch(page) {
        const fault = (what) => this.faults.push(`${page.url()}: ${what}`);
        page.on("console", (message) => {
            if (message.type() === "error" || message.type() === "warning") fault(`${message.text()} ${message.location().url}`);
        });
        page.on("pageerror", (error) => fault(`an error of the page's script: ${error.stack ?? error}`));
        page.on("crash", () => fault("the page crashed"));
        page.on("dialog", async (dialog) => {
            fault(`a dialog: ${dialog.message()}`);
            await dialog.dismiss();
        });
        page.on("request", (request) => {
            const url = new URL(request.url());
            this.requests.push(request);
            const isOwn = url.origin === this.base || ["data:", "about:"].includes(url.protocol);
            if (!isOwn) fault(`a request to elsewhere: ${url}`);
        });
    }

    /** Opens a path of the administration. */
    async open(path, status = 200) {
        const answer = await this.page.goto(this.base + path);
        assert.equal(answer.status(), status, `${path}: ${await answer.text()}`);
        return answer;
    }

    /** The heading that says what the page is. */
    async heading() {
        const headings = this.page.getByRole("heading", { level: 1 });
        assert.equal(await headings.count(), 1, `${this.page.url()} has one heading of the first level`);
        const text = (await headings.innerText()).trim();
        assert.notEqual(text, "", `${this.page.url()} has a heading that says something`);
        return text;
    }

    /** Where the links of the page lead to, below its own address. */
    async links() {
        const found = await this.page.locator("a[href]").evaluateAll((links) => links.map((link) => link.href));
        const own = found.filter((link) => new URL(link).origin === this.base);
        return [...new Set(own.map((link) => link.slice(this.base.length).split("#")[0]))];
    }

    /** Nothing of it may have happened; `expected` are regular expressions of what is told because of what a check did. */
    unharmed(...expected) {
        const others = this.faults.filter((fault) => !expected.some((pattern) => pattern.test(fault)));
        assert.deepEqual(others, []);
    }

    async leave() {
        await this.context.close();
    }
}
