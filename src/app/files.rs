//! Looks into every file that a configuration names.

use crate::{
    config::{self, Address, ClientTls, Listen, Mistake, OwnScript, Primary, Script},
    net::{ClientTlsLoader, ServerTlsLoader, TlsError},
    shadow,
    telemetry::logs::with_causes,
};

/// Looks into every file that these settings name, without binding anything. `place` is where they were said.
pub(crate) fn check_files<'a>(
    place: &str,
    listen: impl Iterator<Item = Option<&'a Listen>>,
    primary: Option<&Primary>,
    shadows: impl Iterator<Item = Option<&'a config::Shadow>>,
    script: Option<&Script>,
) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut note = |table: String, wrong: Vec<(&str, TlsError)>| {
        for (key, error) in wrong {
            let key = [&table, "tls", key].join(".");
            mistakes.push(Mistake {
                place: place.to_owned(),
                key: key.trim_end_matches('.').to_owned(),
                what: with_causes(&error),
            });
        }
    };
    for (index, listen) in listen.enumerate() {
        if let Some(tls) = listen.and_then(|listen| listen.tls.as_ref()) {
            note(format!("listen[{index}]"), ServerTlsLoader::mistakes(tls));
        }
    }
    let of = |address: &Address, tls: &ClientTls| {
        if address.is_tls() {
            ClientTlsLoader::mistakes(tls, address)
        } else {
            Vec::new()
        }
    };
    if let Some(primary) = primary {
        note("primary".into(), of(&primary.address, &primary.tls));
    }
    let mut unauthorized = Vec::new();
    let mut programs = Vec::new();
    let mut program = |key: String, script: &Script| {
        let what = script.program().err();
        programs.extend(what.map(|what| Mistake {
            place: place.to_owned(),
            key: format!("{key}.command"),
            what,
        }));
    };
    if let Some(script) = script {
        program("script".into(), script);
    }
    for (index, shadow) in shadows.enumerate() {
        let Some(shadow) = shadow else { continue };
        note(format!("shadow[{index}]"), of(&shadow.address, &shadow.tls));
        if let Some(OwnScript::Own(script)) = &shadow.script {
            program(format!("shadow[{index}].script"), script);
        }
        if let Some(from) = &shadow.rewrite.authorization
            && let Err(error) = shadow::authorization(from)
        {
            unauthorized.push(Mistake {
                place: place.to_owned(),
                key: format!("shadow[{index}].rewrite.authorization"),
                what: with_causes(&error),
            });
        }
    }
    mistakes.extend(unauthorized);
    mistakes.extend(programs);
    mistakes
}
