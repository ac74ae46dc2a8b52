//! Looks into every file that a configuration names.

use super::comparing;
use crate::{
    config::{Address, ClientTls, Mistake, OwnScript, Parts},
    net::{ClientTlsLoader, ServerTlsLoader, TlsError},
    shadow,
    telemetry::logs::with_causes,
};

/// Looks into every file that these settings name, without binding anything. `place` is where the settings come from.
pub(crate) fn check_files(place: &str, parts: &Parts) -> Vec<Mistake> {
    let mut found = Vec::new();
    for (index, listen) in parts.listen.iter().enumerate() {
        if let Some(tls) = listen.as_ref().and_then(|listen| listen.tls.as_ref()) {
            let wrong = ServerTlsLoader::mistakes(tls);
            found.extend(of_tls(&format!("listen[{index}]"), wrong));
        }
    }
    if let Some(primary) = &parts.primary {
        let wrong = client_tls(&primary.address, &primary.tls);
        found.extend(of_tls("primary", wrong));
    }
    if let Some(script) = &parts.script {
        let what = script.program().err();
        found.extend(what.map(|what| ("script.command".into(), what)));
    }
    for (index, shadow) in parts.shadow.iter().enumerate() {
        let Some(shadow) = shadow else { continue };
        let key = format!("shadow[{index}]");
        found.extend(of_tls(&key, client_tls(&shadow.address, &shadow.tls)));
        if let Some(from) = &shadow.rewrite.authorization
            && let Err(error) = shadow::authorization(from)
        {
            found.push((format!("{key}.rewrite.authorization"), with_causes(&error)));
        }
        if let Some(OwnScript::Own(script)) = &shadow.script
            && let Err(what) = script.program()
        {
            found.push((format!("{key}.script.command"), what));
        }
    }
    if let Some(compare) = &parts.compare {
        found.extend(comparing::mistakes(compare));
    }
    let mistake = |(key, what)| Mistake {
        place: place.to_owned(),
        key,
        what,
    };
    found.into_iter().map(mistake).collect()
}

fn client_tls(address: &Address, tls: &ClientTls) -> Vec<(&'static str, TlsError)> {
    if address.is_tls() {
        ClientTlsLoader::mistakes(tls, address)
    } else {
        Vec::new()
    }
}

/// What is wrong with the files of a `tls` table, by key.
fn of_tls(table: &str, wrong: Vec<(&str, TlsError)>) -> impl Iterator<Item = (String, String)> {
    wrong.into_iter().map(move |(key, error)| {
        let key = [table, "tls", key].join(".");
        (key.trim_end_matches('.').to_owned(), with_causes(&error))
    })
}
