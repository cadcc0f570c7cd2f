//! Runs one agent on its own thread.

use dojima_journal::passing::Told;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use super::affinity::{CoreIndex, pin_current_thread};
use super::agent::Agent;
use super::doorbell::Doorbell;
use super::fatal::Fatal;
use super::idle::IdleStrategy;
use super::log;
use super::priority::Priority;

/// Asks threads to stop. Clones share one flag; once set it stays set.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Arc<AtomicBool>);

impl Shutdown {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag. A thread that sleeps notices it when its sleep ends; see [`RunningAgent::request_stop`].
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the flag is set.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What happens after a fatal error of an agent.
#[derive(Debug, Clone)]
pub enum FatalPolicy {
    /// The process exits with the error's code, as soon as its log is written, or after one second. For production.
    ExitProcess,
    /// The agent's own shutdown flag and these are set, and [`RunningAgent::join`] returns the error. For engines that
    /// run inside a test.
    RequestShutdown(Vec<Shutdown>),
}

/// The core and priority of a thread.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its core, if it is to be pinned.
    pub pin: Option<CoreIndex>,
    /// Its scheduling priority.
    pub priority: Priority,
}

impl Default for Place {
    /// Any core, normal priority.
    fn default() -> Self {
        Self { pin: None, priority: Priority::Normal }
    }
}

/// Starts agents on threads and remembers the first fatal error among them.
pub struct Runner {
    policy: FatalPolicy,
    first_fatal: Arc<OnceLock<Fatal>>,
}

impl Runner {
    /// A runner whose agents follow `policy`.
    pub fn new(policy: FatalPolicy) -> Self {
        Self { policy, first_fatal: Arc::default() }
    }

    /// Runs `agent` on a new thread with its name, core and priority, until `shutdown` is requested.
    ///
    /// # Errors
    /// [`Fatal::Io`] if the system provides no thread. Later errors are handled by the [`FatalPolicy`].
    pub fn spawn(
        &self,
        agent: Box<dyn Agent>,
        idle: Box<dyn IdleStrategy>,
        shutdown: Shutdown,
        place: Place,
    ) -> Result<RunningAgent, Fatal> {
        let (name, doorbell) = (agent.name().to_owned(), idle.doorbell());
        let thread = AgentThread {
            name: name.clone(),
            shutdown: shutdown.clone(),
            policy: self.policy.clone(),
            first_fatal: Arc::clone(&self.first_fatal),
        };
        let spawned = thread::Builder::new().name(name.clone()).spawn(move || thread.run(agent, idle, place));
        let handle = spawned.map_err(|error| {
            let help = match error.kind() {
                std::io::ErrorKind::WouldBlock => {
                    "; raise the limit of threads (ulimit -u, or TasksMax= of the service)"
                }
                _ => "",
            };
            Fatal::io(format_args!("starting thread {name}: {}{help}", Told(&error)))
        })?;
        Ok(RunningAgent { name, shutdown, doorbell, handle })
    }

    /// The first fatal error of an agent of this runner. Never set with [`FatalPolicy::ExitProcess`].
    pub fn fatal(&self) -> Option<Fatal> {
        self.first_fatal.get().cloned()
    }
}

struct AgentThread {
    name: String,
    shutdown: Shutdown,
    policy: FatalPolicy,
    first_fatal: Arc<OnceLock<Fatal>>,
}

impl AgentThread {
    fn run(
        &self,
        mut agent: Box<dyn Agent>,
        mut idle: Box<dyn IdleStrategy>,
        place: Place,
    ) -> Result<(), Fatal> {
        // The agent is not used again after a panic, so its possibly inconsistent state is never observed.
        let work = AssertUnwindSafe(|| self.work(&mut *agent, &mut *idle, place));
        let result = catch_unwind(work).unwrap_or_else(|panic| {
            Err(Fatal::ThreadPanic { agent: self.name.clone(), message: panic_message(&*panic) })
        });
        if let Err(fatal) = &result {
            self.report(fatal);
        }
        result
    }

    fn work(&self, agent: &mut dyn Agent, idle: &mut dyn IdleStrategy, place: Place) -> Result<(), Fatal> {
        if let Some(core) = place.pin {
            pin_current_thread(core)?;
        }
        place.priority.take();
        agent.on_start()?;
        while !self.shutdown.is_requested() {
            let work = agent.do_work()?;
            idle.idle(work);
        }
        agent.on_close()
    }

    fn report(&self, fatal: &Fatal) {
        tracing::error!(agent = %self.name, exit_code = fatal.exit_code(), "{fatal}");
        match &self.policy {
            // The error is not published before the exit. Otherwise an orderly stop could start while the log hangs,
            // and seal a journal whose state is no longer known.
            FatalPolicy::ExitProcess => {
                log::flush();
                std::process::exit(i32::from(fatal.exit_code()));
            }
            FatalPolicy::RequestShutdown(others) => {
                // Only the first error is kept; later ones are its consequences.
                let _ = self.first_fatal.set(fatal.clone());
                self.shutdown.request();
                others.iter().for_each(Shutdown::request);
            }
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// A thread that runs an agent.
#[must_use = "an agent that is not joined may outlive what it works for"]
pub struct RunningAgent {
    name: String,
    shutdown: Shutdown,
    doorbell: Doorbell,
    handle: JoinHandle<Result<(), Fatal>>,
}

impl RunningAgent {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The doorbell to ring after publishing work for this thread.
    pub fn doorbell(&self) -> Doorbell {
        self.doorbell.clone()
    }

    /// Sets the thread's shutdown flag and wakes it if it sleeps.
    pub fn request_stop(&self) {
        self.shutdown.request();
        self.doorbell.ring();
    }

    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Waits for the thread to end. Does not request the stop.
    ///
    /// # Errors
    /// The fatal error that ended it.
    pub fn join(self) -> Result<(), Fatal> {
        let panicked = |panic: Box<dyn Any + Send>| {
            Err(Fatal::ThreadPanic { agent: self.name.clone(), message: panic_message(&*panic) })
        };
        self.handle.join().unwrap_or_else(panicked)
    }
}
