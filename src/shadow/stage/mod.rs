//! What copies go through between the intake and the queue. Each stage keeps a copy for as long as it has to, may write
//! it anew, and hands it to the next one or settles it. The last one is the delivery.

mod script;
mod session;

use std::rc::Rc;

use super::{Shadow, copy::ShadowCopy};
use script::ScriptStage;
use session::SessionStage;

/// A stage of copies on their way. What it has under way keeps it alive, and so all behind it, also when its shadow is
/// gone from the configuration.
pub(super) trait Stage {
    /// Takes a copy: from here on it is this stage's to hand on or to settle.
    fn take(self: Rc<Self>, copy: ShadowCopy);
}

/// The stages of a shadow's copies before `last`, in this order.
pub(super) fn before(last: Rc<dyn Stage>, shadow: &Shadow) -> Rc<dyn Stage> {
    let last = match &shadow.settings.identity {
        Some(identity) => SessionStage::new(identity, last) as Rc<dyn Stage>,
        None => last,
    };
    match &shadow.script {
        Some(script) => ScriptStage::new(script, last),
        None => last,
    }
}
