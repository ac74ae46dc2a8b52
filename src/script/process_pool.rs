//! The threads of all scripts, so that none outlives the program, and what they count, so that it outlives a reload.

use std::{
    io,
    sync::{Arc, OnceLock, mpsc},
    thread::{self, JoinHandle},
};

use parking_lot::Mutex;

use super::{
    Common,
    process::{Gate, Process},
    process_supervisor::ProcessSupervisor,
};
use crate::telemetry::metrics::{Samples, ScriptMetrics};

/// The threads of all scripts.
#[derive(Default)]
pub(crate) struct ProcessPool {
    threads: Mutex<Vec<(Arc<Gate>, JoinHandle<()>)>>,
    metrics: Mutex<Vec<(String, Arc<ScriptMetrics>)>>,
    /// Set once processes may run: until then their threads wait.
    begun: Arc<OnceLock<()>>,
}

impl ProcessPool {
    /// What the script of this name counts, and counted before a reload.
    pub(super) fn metrics(&self, name: &str) -> Arc<ScriptMetrics> {
        let mut all = self.metrics.lock();
        if let Some((_, known)) = all.iter().find(|(known, _)| known == name) {
            return Arc::clone(known);
        }
        let metrics = Arc::<ScriptMetrics>::default();
        all.push((name.into(), Arc::clone(&metrics)));
        metrics
    }

    /// Processes start from now on, and those that are waited for at once.
    pub(crate) fn begin(&self) {
        let _ = self.begun.set(());
    }

    /// Starts the thread of a process.
    pub(super) fn employ(&self, common: &Arc<Common>, index: usize) -> io::Result<Process> {
        let gate = Gate::new()?;
        let (to_supervisor, given) = mpsc::channel();
        let supervisor = ProcessSupervisor::new(Arc::clone(common), Arc::clone(&gate), given);
        let begun = Arc::clone(&self.begun);
        let thread = thread::Builder::new()
            .name(format!("script-{index}"))
            .spawn(move || {
                begun.wait();
                supervisor.run();
            })?;
        let mut threads = self.threads.lock();
        threads.retain(|(_, thread)| !thread.is_finished());
        threads.push((Arc::clone(&gate), thread));
        Ok(Process {
            to_supervisor: Some(to_supervisor),
            gate,
            queue: common.settings.queue.bytes(),
            when_down: common.settings.when_down,
        })
    }

    /// Ends every process that is left, each within its own limit.
    pub(crate) fn end(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        for (gate, _) in &threads {
            gate.stop();
        }
        self.begin();
        for (_, thread) in threads {
            if thread.join().is_err() {
                tracing::error!("a script's thread panicked");
            }
        }
    }

    pub(crate) fn samples(&self, samples: &mut Samples) {
        for (name, metrics) in &*self.metrics.lock() {
            metrics.samples(name, samples);
        }
    }
}

impl Drop for ProcessPool {
    fn drop(&mut self) {
        self.end();
    }
}
