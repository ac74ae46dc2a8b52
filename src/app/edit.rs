//! A replay that selects and rewrites requests as a shadow of a configuration would get them.

use anyhow::{Context, bail};

use crate::{config::Config, http::RequestHead, replay::Edit, shadow::Editor};

/// What the shadow called `name` makes of requests.
///
/// # Errors
/// Where there is no such shadow, or a file that it names can't be read.
pub(crate) fn editor(config: &Config, name: &str) -> anyhow::Result<Box<dyn Edit>> {
    let shadow = config
        .shadow
        .iter()
        .find(|shadow| shadow.name.as_str() == name);
    let Some(settings) = shadow else {
        let names = config.shadow.iter().map(|shadow| shadow.name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        bail!("--as {name}: no shadow of the configuration has this name; there are: {names}");
    };
    let editor = Editor::new(settings, &config.client_address)
        .with_context(|| format!("shadow {name:?}: rewrite.authorization"))?;
    Ok(Box::new(As(editor)))
}

struct As(Editor);

impl Edit for As {
    fn edit(&self, head: &mut RequestHead, status: Option<u16>) -> bool {
        self.0.edit(head, status)
    }
}
