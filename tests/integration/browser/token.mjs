// Where a token is set: signing in, being signed in, signing out.

import assert from "node:assert/strict";
import { isAccessible, isReachable } from "./look.mjs";
import { eventually } from "./site.mjs";

const field = (visitor) => visitor.page.getByLabel("Token");

async function signIn(site, visitor, path = "/") {
    await visitor.open(path, 401);
    await field(visitor).fill(site.values.token);
    await visitor.page.keyboard.press("Enter");
    await visitor.page.waitForURL(site.base + path);
    await visitor.page.getByRole("button", { name: "Sign out" }).waitFor();
}

// The browser's words about a response that is 401.
const UNAUTHORIZED = /status of 401/;

export const checks = {
    "a page asks for the token, and everybody can use the form": async (site) => {
        const visitor = await site.visitor();
        await visitor.open("/", 401);
        await visitor.heading();
        await isAccessible(visitor.page, "the form");
        await isReachable(visitor.page, "the form");
        visitor.unharmed(UNAUTHORIZED);
    },

    "a wrong token is told, and opens nothing": async (site) => {
        const visitor = await site.visitor();
        for (const wrong of ["not-the-one", site.values.token.slice(1), `${site.values.token}x`, "\u202e<b>", "x".repeat(3000)]) {
            await visitor.open("/routes", 401);
            await field(visitor).fill(wrong);
            await visitor.page.keyboard.press("Enter");
            await visitor.page.getByRole("alert").waitFor();
            assert.ok(!(await visitor.page.content()).includes(wrong), "what was written is not repeated");
        }
        assert.deepEqual(await visitor.context.cookies(), []);
        await visitor.open("/routes", 401);
        visitor.unharmed(UNAUTHORIZED);
    },

    "the right token opens the page that was asked for, with a cookie that no script sees": async (site) => {
        const visitor = await site.visitor();
        await signIn(site, visitor, "/routes?page=1");
        const [cookie, ...others] = await visitor.context.cookies();
        assert.deepEqual(others, []);
        const { httpOnly, sameSite, path } = cookie;
        assert.deepEqual({ httpOnly, sameSite, path }, { httpOnly: true, sameSite: "Strict", path: "/" });
        assert.ok(!cookie.value.includes(site.values.token) && !cookie.name.includes(site.values.token));
        assert.equal(await visitor.page.evaluate(() => document.cookie), "");
        // Nor does the token stand anywhere else.
        for (const request of visitor.requests.filter((request) => request.method() === "GET")) {
            assert.ok(!request.url().includes(site.values.token), request.url());
        }
        await visitor.open("/");
        assert.ok(!(await visitor.page.content()).includes(site.values.token));
        visitor.unharmed(UNAUTHORIZED);
    },

    "signing out takes the cookie away": async (site) => {
        const visitor = await site.visitor();
        await signIn(site, visitor);
        await visitor.page.getByRole("button", { name: "Sign out" }).click();
        await field(visitor).waitFor();
        assert.deepEqual(await visitor.context.cookies(), []);
        await visitor.page.goBack();
        await visitor.open("/rules", 401);
        visitor.unharmed(UNAUTHORIZED);
    },

    "it works without JavaScript": async (site) => {
        const visitor = await site.visitor({ javaScriptEnabled: false });
        await signIn(site, visitor, "/shadows");
        await visitor.page.getByRole("button", { name: "Sign out" }).click();
        await field(visitor).waitFor();
    },

    "signing in leads to no other site": async (site) => {
        for (const to of ["//evil.example/", "/\\evil.example/", "/\t/evil.example/", "http://evil.example/", "/./\t//evil.example/"]) {
            const visitor = await site.visitor();
            await visitor.open("/", 401);
            await visitor.page.evaluate((to) => {
                document.querySelector("input[name=to]").value = to;
            }, to);
            await field(visitor).fill(site.values.token);
            await visitor.page.keyboard.press("Enter");
            await eventually("somewhere", async () => (await visitor.context.cookies()).length > 0);
            await visitor.page.waitForLoadState();
            const elsewhere = visitor.requests.filter((request) => !request.url().startsWith(site.base));
            assert.deepEqual(elsewhere.map((request) => request.url()), [], JSON.stringify(to));
        }
    },

    "a link on another site leads to the page for whoever is signed in": async (site) => {
        const visitor = await site.visitor();
        await signIn(site, visitor);
        await visitor.context.route("http://evil.example/**", (route) => route.fulfill({
            contentType: "text/html",
            body: `<title>elsewhere</title><a href="${site.base}/routes">look at this</a>`,
        }));
        await visitor.page.goto("http://evil.example/");
        await visitor.page.getByRole("link").click();
        await visitor.page.getByRole("button", { name: "Sign out" }).waitFor();
        assert.equal(visitor.page.url(), `${site.base}/routes`);
    },
};
