//! A thread that runs asynchronous tasks.

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The thread. Dropping it ends its tasks, either immediately or after a time limit for which the drop waits.
#[derive(Debug)]
pub struct Worker {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a thread with this name, and calls `begin` on it. When it is dropped, its tasks have `closing_limit` to
    /// end.
    ///
    /// # Errors
    /// If the system provides no thread or no poll.
    pub fn begin(name: &str, closing_limit: Duration, begin: fn()) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            begin();
            runtime.block_on(async {
                // A message and a dropped sender mean the same.
                let _ = stopped.await;
                tokio::time::sleep(closing_limit).await;
            });
        })?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// The handle with which tasks are spawned on the thread.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}
