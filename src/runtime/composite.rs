//! Several agents that take turns on one thread.

use super::agent::Agent;
use super::fatal::Fatal;

/// Runs its parts in order, each once per duty cycle. If the parts are in flow order, work passes through all of them
/// within one cycle.
pub struct CompositeAgent {
    name: String,
    parts: Vec<Box<dyn Agent>>,
}

impl CompositeAgent {
    /// An agent whose `parts` are started, run and closed in the order given.
    pub fn new(name: impl Into<String>, parts: Vec<Box<dyn Agent>>) -> Self {
        Self { name: name.into(), parts }
    }
}

impl Agent for CompositeAgent {
    fn name(&self) -> &str {
        &self.name
    }

    fn do_work(&mut self) -> Result<usize, Fatal> {
        let mut work = 0;
        for part in &mut self.parts {
            work += part.do_work()?;
        }
        Ok(work)
    }

    fn on_start(&mut self) -> Result<(), Fatal> {
        self.parts.iter_mut().try_for_each(|part| part.on_start())
    }

    fn on_close(&mut self) -> Result<(), Fatal> {
        self.parts.iter_mut().try_for_each(|part| part.on_close())
    }
}

#[cfg(test)]
mod tests {
    use super::super::agent::scripted::{Journal, Scripted};
    use super::*;

    #[test]
    fn parts_run_in_order_and_their_work_adds_up() {
        let journal = Journal::default();
        let parts: Vec<Box<dyn Agent>> = vec![
            Box::new(Scripted::new("a", &journal, [Ok(1), Ok(0)])),
            Box::new(Scripted::new("b", &journal, [Ok(2), Ok(0)])),
        ];
        let mut both = CompositeAgent::new("both", parts);
        both.on_start().unwrap();
        assert_eq!(both.do_work(), Ok(3));
        assert_eq!(both.do_work(), Ok(0));
        both.on_close().unwrap();
        assert_eq!(journal.lines(), ["start a", "start b", "a", "b", "a", "b", "close a", "close b"]);
        assert_eq!(both.name(), "both");
    }

    #[test]
    fn a_fatal_part_stops_the_cycle() {
        let journal = Journal::default();
        let fatal = Fatal::invariant("sums differ");
        let parts: Vec<Box<dyn Agent>> = vec![
            Box::new(Scripted::new("a", &journal, [Err(fatal.clone())])),
            Box::new(Scripted::new("b", &journal, [Ok(2)])),
        ];
        assert_eq!(CompositeAgent::new("both", parts).do_work(), Err(fatal));
        assert_eq!(journal.lines(), ["a"]);
    }
}
