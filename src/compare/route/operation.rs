//! What a request to a single endpoint asks for: GraphQL's operation and JSON-RPC's method stand in the body.

/// Bytes of a body that are looked at.
const LOOKED_AT: usize = 4 * 1024;
const LONGEST: usize = 80;

/// The name of the operation, where the body has one.
pub(crate) fn operation(path: &str, body: Option<&[u8]>) -> Option<String> {
    let body = body?;
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace())?;
    if body[start] != b'{' {
        return None;
    }
    let body = &body[..body.len().min(LOOKED_AT)];
    let text = String::from_utf8_lossy(body);
    if path.contains("graphql") {
        return member(&text, "operationName").or_else(|| named_query(&text));
    }
    member(&text, "jsonrpc")?;
    member(&text, "method")
}

/// The string behind a key; the keys looked for don't stand in other strings of such requests.
fn member(text: &str, key: &str) -> Option<String> {
    let quoted = format!("\"{key}\"");
    let after = &text[text.find(&quoted)? + quoted.len()..];
    let value = after
        .trim_start()
        .strip_prefix(':')?
        .trim_start()
        .strip_prefix('"')?;
    plain(&value[..value.find('"')?])
}

/// The name in `query Name {` or `mutation Name(`, where `operationName` is missing.
fn named_query(text: &str) -> Option<String> {
    let after = ["mutation ", "query ", "subscription "]
        .iter()
        .find_map(|word| text.find(word).map(|at| &text[at + word.len()..]))?;
    let name = after.trim_start();
    plain(&name[..name.find(|c: char| !is_plain(c))?])
}

fn plain(name: &str) -> Option<String> {
    let is_name = (1..=LONGEST).contains(&name.len()) && name.chars().all(is_plain);
    is_name.then(|| name.to_owned())
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, body: &str) -> Option<String> {
        operation(path, Some(body.as_bytes()))
    }

    #[test]
    fn a_graphql_operation_is_found_by_either_name() {
        let named = r#"{"operationName": "Cart", "query": "query Cart { a }"}"#;
        assert_eq!(of("/graphql", named).as_deref(), Some("Cart"));
        let unnamed = r#"{"query": "mutation AddItem($id: ID!) { add }"}"#;
        assert_eq!(of("/api/graphql", unnamed).as_deref(), Some("AddItem"));
        assert_eq!(of("/graphql", r#"{"query": "{ a }"}"#), None);
    }

    #[test]
    fn a_json_rpc_method_is_found() {
        let call = r#"{"jsonrpc":"2.0","method":"eth_call","params":[]}"#;
        assert_eq!(of("/", call).as_deref(), Some("eth_call"));
        assert_eq!(of("/", r#"{"method":"eth_call"}"#), None);
        assert_eq!(of("/", "a=1"), None);
    }
}
