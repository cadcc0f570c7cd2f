//! Agents without threads: a seed determines which agent runs next, so every run can be reproduced.

use super::agent::Agent;
use super::fatal::Fatal;
use super::random::SplitMix64;

/// Drives agents one duty cycle at a time, in an order that depends only on the seed.
///
/// Dropping a stepper without [`Stepper::close`] is a crash of all its agents.
pub struct Stepper {
    random: SplitMix64,
    agents: Vec<Box<dyn Agent>>,
    /// How often each agent runs, relative to the others; at least 1.
    weights: Vec<usize>,
    /// Which agents found no work since any agent last did some.
    idle: Vec<bool>,
}

/// How [`Stepper::run_until_idle`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Every agent ran and found no work since any of them last did some.
    Idle {
        /// Duty cycles that were run.
        steps: usize,
    },
    /// There may be more work, but the limit of steps was reached.
    StepLimit,
}

impl Stepper {
    /// Starts `agents` in the order given.
    ///
    /// # Errors
    /// What an agent's `on_start` returns.
    ///
    /// # Panics
    /// If there are no agents.
    pub fn new(seed: u64, mut agents: Vec<Box<dyn Agent>>) -> Result<Self, Fatal> {
        assert!(!agents.is_empty(), "a stepper needs at least one agent");
        agents.iter_mut().try_for_each(|agent| agent.on_start())?;
        let (idle, weights) = (vec![false; agents.len()], vec![1; agents.len()]);
        Ok(Self { random: SplitMix64::new(seed), agents, weights, idle })
    }

    /// From now on, runs agents in the proportions that `weight` returns for their names. This simulates slow disks or
    /// busy cores. A weight of 0 counts as 1.
    pub fn favour(&mut self, weight: impl Fn(&str) -> usize) {
        self.weights = self.agents.iter().map(|agent| weight(agent.name()).max(1)).collect();
    }

    fn choose(&mut self) -> usize {
        let mut drawn = self.random.below(self.weights.iter().sum::<usize>() as u64) as usize;
        let of_it = |weight: &usize| match drawn.checked_sub(*weight) {
            Some(rest) => {
                drawn = rest;
                false
            }
            None => true,
        };
        self.weights.iter().position(of_it).expect("less than the sum of all was drawn")
    }

    /// Runs one duty cycle of an agent chosen at random and returns the work it did.
    ///
    /// # Errors
    /// The agent's error; the simulated process is then dead.
    pub fn step(&mut self) -> Result<usize, Fatal> {
        let chosen = self.choose();
        let work = self.agents[chosen].do_work()?;
        if work > 0 {
            self.idle.fill(false);
        } else {
            self.idle[chosen] = true;
        }
        Ok(work)
    }

    /// Steps until every agent has found no work since any of them last did some, or for `max_steps` steps.
    ///
    /// # Errors
    /// As for [`Stepper::step`].
    pub fn run_until_idle(&mut self, max_steps: usize) -> Result<Settled, Fatal> {
        // Agents that were idle before may have work now, because the environment may have changed.
        self.idle.fill(false);
        for steps in 1..=max_steps {
            self.step()?;
            if self.idle.iter().all(|idle| *idle) {
                return Ok(Settled::Idle { steps });
            }
        }
        Ok(Settled::StepLimit)
    }

    /// Stops the agents in the order given at the start.
    ///
    /// # Errors
    /// What an agent's `on_close` returns.
    pub fn close(mut self) -> Result<(), Fatal> {
        self.agents.iter_mut().try_for_each(|agent| agent.on_close())
    }
}

#[cfg(test)]
mod tests {
    use super::super::agent::scripted::{Journal, Scripted};
    use super::*;

    fn trace(seed: u64) -> (Vec<String>, Settled) {
        let journal = Journal::default();
        let agents: Vec<Box<dyn Agent>> = vec![
            Box::new(Scripted::new("a", &journal, [Ok(1), Ok(0), Ok(1)])),
            Box::new(Scripted::new("b", &journal, [Ok(0), Ok(0), Ok(3)])),
            Box::new(Scripted::new("c", &journal, [])),
        ];
        let mut stepper = Stepper::new(seed, agents).unwrap();
        let settled = stepper.run_until_idle(10_000).unwrap();
        stepper.close().unwrap();
        (journal.lines(), settled)
    }

    #[test]
    fn a_seed_names_a_run() {
        assert_eq!(trace(1), trace(1));
        assert!((2..10).any(|seed| trace(seed).0 != trace(1).0), "the seed matters");
    }

    #[test]
    fn idle_means_that_everybody_looked_after_the_last_work() {
        for seed in 0..200 {
            let (lines, settled) = trace(seed);
            let cycles = &lines[3..lines.len() - 3];
            assert_eq!(settled, Settled::Idle { steps: cycles.len() });
            assert_eq!(lines[..3], ["start a", "start b", "start c"]);
            assert_eq!(lines[lines.len() - 3..], ["close a", "close b", "close c"]);
            // Replays the script to find the last cycle that did work.
            let (mut a, mut b, mut last_work) = (0, 0, 0);
            for (i, name) in cycles.iter().enumerate() {
                let counter = if name == "a" { &mut a } else { &mut b };
                *counter += usize::from(name != "c");
                let worked = (name == "a" && (a == 1 || a == 3)) || (name == "b" && b == 3);
                last_work = if worked { i + 1 } else { last_work };
            }
            let after = &cycles[last_work..];
            assert!(["a", "b", "c"].iter().all(|name| after.iter().any(|cycle| cycle == name)), "{cycles:?}");
        }
    }

    #[test]
    fn a_favoured_agent_runs_more_often_and_the_others_still_run() {
        let journal = Journal::default();
        let agent = |name| Box::new(Scripted::new(name, &journal, [])) as Box<dyn Agent>;
        let mut stepper = Stepper::new(3, vec![agent("a"), agent("b"), agent("c")]).unwrap();
        stepper.favour(|name| if name == "b" { 8 } else { 0 });
        (0..1_000).for_each(|_| assert_eq!(stepper.step(), Ok(0)));
        let ran = |name: &str| journal.lines().iter().filter(|line| *line == name).count();
        assert!((700..900).contains(&ran("b")), "b ran {} times", ran("b"));
        assert!(ran("a") > 50 && ran("c") > 50, "a ran {} times, c {}", ran("a"), ran("c"));
    }

    #[test]
    fn endless_work_ends_at_the_limit() {
        let busy = Scripted::new("busy", &Journal::default(), (0..100).map(|_| Ok(1)));
        let mut stepper = Stepper::new(7, vec![Box::new(busy)]).unwrap();
        assert_eq!(stepper.run_until_idle(50), Ok(Settled::StepLimit));
    }

    #[test]
    fn a_fatal_error_comes_out() {
        let broken = Scripted::new("broken", &Journal::default(), [Err(Fatal::journal_sync("gone"))]);
        let mut stepper = Stepper::new(7, vec![Box::new(broken)]).unwrap();
        assert_eq!(stepper.run_until_idle(50), Err(Fatal::journal_sync("gone")));
    }
}
