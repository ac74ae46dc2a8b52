//! The service stack: a chain of layers, each with one reason.

use tower::ServiceBuilder;

use super::{
    call::Path, explain::Explain, forward::Forward, forwarded::AddForwarded, identify::Identify,
    observe::Observe, tee::Tee, vet::Vet,
};

/// The stack of one worker.
pub(crate) type Stack = Observe<Identify<Explain<Vet<AddForwarded<Tee<Forward>>>>>>;

/// Builds the stack, outermost layer first.
pub(crate) fn stack(path: &Path) -> Stack {
    ServiceBuilder::new()
        // Counts the request, times it, and closes the connection after it while draining.
        .layer(Observe::layer(path))
        // Gives it an id, unless nginx did.
        .layer(Identify::layer(path))
        // Makes answers of refusals.
        .layer(Explain::layer(path))
        // Refuses what is not one clear message, or came back as a copy; takes forged marks off.
        .layer(Vet::layer(path))
        // Takes hop-by-hop headers off, and says who the client is where no nginx did.
        .layer(AddForwarded::layer(path))
        // Offers copies, and makes the body clone itself into them.
        .layer(Tee::layer(path))
        // Sends it to the primary.
        .service(Forward::new(path))
}
