//! A stage as the scheduler uses it.

use super::fatal::Fatal;

/// A stage of the pipeline. It does its work in bounded duty cycles.
///
/// An agent never waits and never loops until something happens; waiting is the scheduler's task. An agent on a hot
/// thread also allocates nothing after warm-up.
pub trait Agent: Send {
    /// A short name for threads, logs and errors.
    fn name(&self) -> &str;

    /// One bounded duty cycle. Returns the amount of work done; 0 means that there was none and the scheduler
    /// may idle.
    ///
    /// # Errors
    /// [`Fatal`] ends the process: the agent is not called again.
    fn do_work(&mut self) -> Result<usize, Fatal>;

    /// Called once, on the thread that will run the agent, before the first duty cycle.
    ///
    /// # Errors
    /// As for [`Agent::do_work`].
    fn on_start(&mut self) -> Result<(), Fatal> {
        Ok(())
    }

    /// Called once after the last duty cycle of an orderly stop. Not called after a fatal error, so that a
    /// broken agent does not write a clean end.
    ///
    /// # Errors
    /// As for [`Agent::do_work`].
    fn on_close(&mut self) -> Result<(), Fatal> {
        Ok(())
    }
}

/// An agent for the runtime's own tests that follows a script and records its calls.
#[cfg(test)]
pub(super) mod scripted {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use super::{Agent, Fatal};

    #[derive(Clone, Default)]
    pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

    impl Journal {
        pub(crate) fn lines(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }

        fn note(&self, line: String) {
            self.0.lock().unwrap().push(line);
        }
    }

    pub(crate) struct Scripted {
        name: &'static str,
        journal: Journal,
        results: VecDeque<Result<usize, Fatal>>,
    }

    impl Scripted {
        /// Returns `results` in turn, then no work.
        pub(crate) fn new(
            name: &'static str,
            journal: &Journal,
            results: impl IntoIterator<Item = Result<usize, Fatal>>,
        ) -> Self {
            Self { name, journal: journal.clone(), results: results.into_iter().collect() }
        }
    }

    impl Agent for Scripted {
        fn name(&self) -> &str {
            self.name
        }

        fn do_work(&mut self) -> Result<usize, Fatal> {
            self.journal.note(self.name.to_owned());
            self.results.pop_front().unwrap_or(Ok(0))
        }

        fn on_start(&mut self) -> Result<(), Fatal> {
            self.journal.note(format!("start {}", self.name));
            Ok(())
        }

        fn on_close(&mut self) -> Result<(), Fatal> {
            self.journal.note(format!("close {}", self.name));
            Ok(())
        }
    }
}
