//! A replay that selects and rewrites requests as a shadow of a configuration would get them.

use std::sync::Arc;

use anyhow::{Context, bail};

use crate::{
    config::{self, Config},
    http::RequestHead,
    replay::Edit,
    shadow::Editor,
};

/// What a shadow makes of requests.
#[derive(Default)]
pub(crate) struct Edited {
    pub(crate) edit: Option<Arc<dyn Edit>>,
    /// What its copies go through.
    pub(crate) script: Option<config::Script>,
    /// How sessions are kept alive on it, where they are.
    pub(crate) identity: Option<config::Identity>,
}

/// What the shadow called `name` makes of requests.
///
/// # Errors
/// Where there is no such shadow, or a file that it names can't be read.
pub(crate) fn editor(config: &Config, name: &str) -> anyhow::Result<Edited> {
    let mut shadows = config.shadow.iter();
    let Some(settings) = shadows.find(|shadow| shadow.name.as_str() == name) else {
        let names = config.shadow.iter().map(|shadow| shadow.name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        bail!("--as {name}: no shadow of the configuration has this name; there are: {names}");
    };
    let editor = Editor::new(settings, &config.client_address)
        .with_context(|| format!("shadow {name:?}: rewrite.authorization"))?;
    let script = config.script_of(settings);
    let script = script.map(|(_, script)| script.clone());
    Ok(Edited {
        edit: Some(Arc::new(editor)),
        script,
        identity: settings.identity.clone(),
    })
}

impl Edit for Editor {
    fn selects(&self, head: &RequestHead, status: Option<u16>) -> bool {
        self.selects(head, status)
    }

    fn rewrite(&self, head: &mut RequestHead) {
        self.rewrite(head);
    }
}
