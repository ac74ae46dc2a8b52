//! How many file descriptors the process may have, and who gets how many of them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The shares of the process's file descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptors {
    /// Client connections. What is left beside them, half as many, is for connections to the primary: clients
    /// that are idle need none.
    pub(crate) clients: usize,
    /// Connections to all shadows together.
    pub(crate) shadows: usize,
}

impl Descriptors {
    /// Raises the soft limit to the hard one and shares out what is there: shadows get a quarter at most,
    /// so that they can never take the primary's.
    pub(crate) fn share(workers: usize, clients_wanted: usize, shadows_wanted: usize) -> Self {
        Self::split(raise_limit(), workers, clients_wanted, shadows_wanted)
    }

    fn split(limit: usize, workers: usize, clients_wanted: usize, shadows_wanted: usize) -> Self {
        // Standard streams, listeners, logs, signals, administration, each worker's epoll and eventfd.
        let own = 32 + 6 * workers;
        let free = limit.saturating_sub(own).max(12);
        let shadows = shadows_wanted
            .min(free / 4)
            .max(usize::from(shadows_wanted > 0));
        let clients = clients_wanted.min((free - shadows) / 3 * 2).max(1);
        Self { clients, shadows }
    }
}

/// Raises the soft limit to the hard one, and returns it.
pub(crate) fn raise_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum {
        // Refused: the soft limit goes on to hold.
        let raised = Rlimit {
            current: limit.maximum,
            ..limit
        };
        let _ = setrlimit(Resource::Nofile, raised);
    }
    let current = getrlimit(Resource::Nofile).current;
    let current = current.and_then(|current| usize::try_from(current).ok());
    current.unwrap_or(usize::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shadows_never_get_more_than_a_quarter() {
        assert_eq!(
            Descriptors::split(1044, 2, 10_000, 10_000),
            Descriptors {
                clients: 500,
                shadows: 250
            }
        );
        assert_eq!(
            Descriptors::split(100_000, 2, 1000, 256),
            Descriptors {
                clients: 1000,
                shadows: 256
            }
        );
        assert_eq!(
            Descriptors::split(10, 2, 1000, 0),
            Descriptors {
                clients: 8,
                shadows: 0
            }
        );
    }
}
