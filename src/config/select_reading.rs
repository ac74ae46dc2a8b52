//! Reads the rules of `select`, and tells of those that can never match.

use super::{
    pattern::Pattern,
    reader::Table,
    select::{Listed, Rule, Select},
    unreachable_rules,
};

impl Select {
    /// `waits`: the primary's answer is known before a copy is sent.
    pub(super) fn read(mut table: Table<'_>, waits: bool) -> Self {
        let read_all = |table: &mut Table<'_>, key| -> Vec<Rule> {
            let tables = table.tables(key, Some("path")).into_iter();
            tables.map(|table| Rule::read(table, waits, true)).collect()
        };
        let deny = read_all(&mut table, "deny");
        let rules = table.tables("rules", None).into_iter();
        let read = Self {
            deny,
            rules: rules
                .filter_map(|table| Listed::read(table, waits))
                .collect(),
            allow: read_all(&mut table, "allow"),
        };
        unreachable_rules::reached(&read, &table);
        table.finish();
        read
    }
}

impl Listed {
    fn read(mut table: Table<'_>, waits: bool) -> Option<Self> {
        let tip = "write action = \"allow\" or action = \"deny\"";
        let action = table.required("action", tip);
        let rule = Rule::read(table, waits, false);
        Some(Self {
            action: action?,
            rule,
        })
    }
}

const SAY_ONE: &str = "name at least one, or leave the key out";

impl Rule {
    /// `needs_any`: a rule without conditions is a mistake.
    fn read(mut table: Table<'_>, waits: bool, needs_any: bool) -> Self {
        let hosts: Vec<Pattern<true>> = table.any_of("host", SAY_ONE);
        let rule = Self {
            name: table.optional("name"),
            method: table.any_of("method", SAY_ONE),
            path: table.any_of("path", SAY_ONE),
            host: hosts.into_iter().map(Pattern::of_host).collect(),
            content_type: table.any_of("content_type", SAY_ONE),
            user: table.any_of("user", SAY_ONE),
            client: table.any_of("client", SAY_ONE),
            min_body: table.optional("min_body"),
            max_body: table.optional("max_body"),
            status: table.any_of("status", SAY_ONE),
            header: table.pairs("header"),
            query: table.pairs("query"),
        };
        unreachable_rules::matches(&rule, waits, &table);
        if needs_any && rule.has_no_condition() && !table.has_mistakes_below() {
            table.mistake_here(
                "has no condition, so that it would hold for every request; write one",
            );
        }
        table.finish();
        rule
    }
}
