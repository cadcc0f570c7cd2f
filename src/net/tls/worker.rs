//! A thread that runs tasks.

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The thread. When it is dropped its tasks end: at once, or after a while, for which the drop waits.
#[derive(Debug)]
pub struct Worker {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Begins a thread of this name, with `begin` on it. Its tasks have `closing_limit` to end when it is dropped.
    ///
    /// # Errors
    /// When the system gives no thread or no poll.
    pub fn begin(name: &str, closing_limit: Duration, begin: fn()) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            begin();
            runtime.block_on(async {
                // Both a word and the end of whoever could give it mean the same.
                let _ = stopped.await;
                tokio::time::sleep(closing_limit).await;
            });
        })?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Where tasks are given to it.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of it was reported when it happened.
            let _ = thread.join();
        }
    }
}
