//! `multipart/form-data` (RFC 7578): the values of fields; files stay as they are.

use memchr::memmem;

use super::Unpaired;

/// Fields of one body.
const MOST: usize = 1_000;

/// The body with other values; none where all stay, or where it is no such body.
pub(super) fn edit(
    content_type: &[u8],
    body: &[u8],
    mut value: impl FnMut(&str, &str) -> Result<Option<String>, Unpaired>,
) -> Result<Option<Vec<u8>>, Unpaired> {
    let Some(boundary) = boundary(content_type) else {
        return Ok(None);
    };
    let delimiter = [b"\r\n--".as_slice(), boundary.as_bytes()].concat();
    let mut out = Vec::new();
    let mut copied = 0;
    // The first one has no line before it.
    let mut at = if body.starts_with(&delimiter[2..]) {
        delimiter.len() - 2
    } else {
        match memmem::find(body, &delimiter) {
            Some(found) => found + delimiter.len(),
            None => return Ok(None),
        }
    };
    for _ in 0..MOST {
        let rest = &body[at..];
        let Some(head) = memmem::find(rest, b"\r\n\r\n") else {
            break;
        };
        let begin = at + head + 4;
        let Some(length) = memmem::find(&body[begin..], &delimiter) else {
            break;
        };
        let text = std::str::from_utf8(&body[begin..begin + length]);
        if let (Some(name), Ok(text)) = (field(&rest[..head]), text)
            && let Some(other) = value(&name, text)?
        {
            out.extend_from_slice(&body[copied..begin]);
            out.extend_from_slice(other.as_bytes());
            copied = begin + length;
        }
        at = begin + length + delimiter.len();
    }
    if copied == 0 {
        return Ok(None);
    }
    out.extend_from_slice(&body[copied..]);
    Ok(Some(out))
}

fn boundary(content_type: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(content_type).ok()?;
    let mut parts = text.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    })?;
    let boundary = boundary.trim_matches('"');
    (!boundary.is_empty()).then(|| boundary.to_owned())
}

/// The name of a field that is no file.
fn field(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let line = head.split("\r\n").find(|line| {
        let name = line.split(':').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("content-disposition")
    })?;
    let mut name = None;
    for part in line.split(';').skip(1) {
        let (key, value) = part.split_once('=')?;
        match key.trim() {
            "filename" | "filename*" => return None,
            "name" => name = Some(value.trim().trim_matches('"').to_owned()),
            _ => {}
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_replaced_and_files_are_not() {
        let part = |disposition: &str, value: &str| {
            format!("--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{value}\r\n")
        };
        let body = |id: &str| {
            let parts = [
                part("name=\"id\"", id),
                part("name=\"file\"; filename=\"7.txt\"", "7"),
                part("name=\"note\"", ""),
            ];
            format!("{}--b--\r\n", parts.concat())
        };
        let edit = |body: &str| {
            edit(
                b"multipart/form-data; boundary=\"b\"",
                body.as_bytes(),
                |name, value| Ok((value == "7").then(|| format!("5 of {name}"))),
            )
        };
        let edited = edit(&body("7")).unwrap().unwrap();
        assert_eq!(String::from_utf8(edited).unwrap(), body("5 of id"));
        assert_eq!(edit(&body("8")), Ok(None));
        assert_eq!(edit("--b"), Ok(None));
    }
}
