//! Who is still inside.

use tokio::sync::watch;

/// Counts marks that are held, and lets others wait until none is. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Tally(std::sync::Arc<watch::Sender<usize>>);

/// One that is counted, until it is dropped.
#[derive(Debug)]
pub struct Mark(Tally);

impl Tally {
    /// One more.
    pub fn mark(&self) -> Mark {
        self.0.send_modify(|count| *count += 1);
        Mark(self.clone())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until there is none.
    pub async fn empty(&self) {
        let mut count = self.0.subscribe();
        // It only fails when the sender is gone, and we hold it.
        let _ = count.wait_for(|count| *count == 0).await;
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_empty_when_the_last_mark_is_dropped() {
        let tally = Tally::default();
        let marks = [tally.mark(), tally.mark()];
        assert_eq!(tally.count(), 2);
        let waiting = tokio::spawn({
            let tally = tally.clone();
            async move { tally.empty().await }
        });
        drop(marks);
        assert!(waiting.await.is_ok());
        assert_eq!(tally.count(), 0);
    }
}
