//! Whether the server should be sent traffic: does its log answer?

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// What is known of the log's health, and who wants to know.
///
/// One task, [`Health::watch`], asks the log; everybody else hears of its answers. So one
/// question at most is under way, and a log in trouble is not asked more because load
/// balancers ask more.
#[derive(Debug)]
pub struct Health {
    last: watch::Sender<Option<Verdict>>,
    wanted: Notify,
    /// What was told to the operator last.
    told: Mutex<Option<Trouble>>,
}

/// What the log's last answer, or its silence, means.
#[derive(Clone, Debug)]
struct Verdict {
    at: Instant,
    trouble: Option<Trouble>,
}

/// Why the log is not up, in one line for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It has not answered for so long.
    Silent(Duration),
    /// It says that it cannot.
    Refuses(String),
}

/// How long the log may take to show that it answers; whoever asks for its health waits so
/// long at most.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A question without an answer is given up after this, and asked anew.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(5);

/// How long an answer is good for.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// How often the log is asked if nobody wants to know.
const PERIOD: Duration = Duration::from_secs(5);

impl Health {
    /// Nothing is known yet.
    pub fn new() -> Health {
        Health { last: watch::Sender::new(None), wanted: Notify::new(), told: Mutex::new(None) }
    }

    /// Asks for ever, one question at a time: every 5 seconds, once a second if somebody
    /// wants to know. To be run once; dropping it drops the question that is under way.
    pub async fn watch<F: Future<Output = Result<(), String>>>(&self, mut question: impl FnMut() -> F) {
        loop {
            let begun = Instant::now();
            let mut answer = std::pin::pin!(question());
            let answered = match timeout_at(begun + ANSWER_WITHIN, &mut answer).await {
                Ok(answered) => Some(answered),
                Err(_) => {
                    // It stays the only question: a log that hangs is not asked again yet.
                    self.judge(Some(Trouble::Silent(ANSWER_WITHIN)));
                    timeout_at(begun + GIVEN_UP_AFTER, answer).await.ok()
                }
            };
            self.judge(match answered {
                Some(answered) => answered.err().map(Trouble::Refuses),
                None => Some(Trouble::Silent(GIVEN_UP_AFTER)),
            });
            sleep(FRESH_FOR).await;
            // Nobody needs to want it for the numbers to be true.
            let _ = timeout(PERIOD - FRESH_FOR, self.wanted.notified()).await;
        }
    }

    /// Whether the log is up, as known within the last second, or 2 seconds from now at
    /// the latest. Asking it often costs nothing.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn check(&self) -> Result<(), Trouble> {
        let asked = Instant::now();
        let mut last = self.last.subscribe();
        let good = |verdict: &Option<Verdict>| match verdict {
            // Silence lasts until there is an answer.
            Some(Verdict { trouble: Some(Trouble::Silent(_)), .. }) => true,
            Some(verdict) => verdict.at + FRESH_FOR > asked,
            None => false,
        };
        if !good(&last.borrow()) {
            self.wanted.notify_one();
        }
        match timeout(ANSWER_WITHIN, last.wait_for(good)).await {
            Ok(Ok(verdict)) => verdict.as_ref().and_then(|verdict| verdict.trouble.clone()).map_or(Ok(()), Err),
            // Nobody watches, or only for a moment: then we know nothing good.
            _ => Err(Trouble::Silent(ANSWER_WITHIN)),
        }
    }

    /// Whether the log was up when it was last asked; does not ask.
    pub fn was_up(&self) -> bool {
        self.last.borrow().as_ref().is_some_and(|verdict| verdict.trouble.is_none())
    }

    fn judge(&self, trouble: Option<Trouble>) {
        self.tell(trouble.as_ref());
        self.last.send_replace(Some(Verdict { at: Instant::now(), trouble }));
    }

    /// Tells the operator what is new, once.
    fn tell(&self, trouble: Option<&Trouble>) {
        let mut told = self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match (&*told, trouble) {
            (None, Some(trouble)) => tracing::error!(%trouble, "not ready: the op log is in trouble"),
            (Some(before), None) => tracing::info!(%before, "ready again"),
            _ => {}
        }
        *told = trouble.cloned();
    }
}

impl Default for Health {
    fn default() -> Self {
        Health::new()
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Silent(duration) => write!(f, "the op log does not answer within {duration:?}"),
            // One line, whatever it is made of.
            Trouble::Refuses(reason) => f.write_str(&reason.replace(['\r', '\n'], " ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A log that answers as it is told to, and counts how often it is asked.
    #[derive(Clone, Default)]
    struct Log {
        mood: Arc<Mutex<Mood>>,
        asked: Arc<AtomicUsize>,
        under_way: Arc<AtomicUsize>,
    }

    #[derive(Clone, Copy, Default, PartialEq)]
    enum Mood {
        #[default]
        Well,
        Fails,
        Hangs,
    }

    impl Log {
        fn is(&self, mood: Mood) {
            *self.mood.lock().unwrap() = mood;
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }

        /// Dropped with the question, answered or not.
        fn question(&self) -> impl Future<Output = Result<(), String>> + use<> {
            struct UnderWay(Arc<AtomicUsize>);
            impl Drop for UnderWay {
                fn drop(&mut self) {
                    self.0.fetch_sub(1, Ordering::SeqCst);
                }
            }
            self.asked.fetch_add(1, Ordering::SeqCst);
            assert_eq!(self.under_way.fetch_add(1, Ordering::SeqCst), 0, "two questions at once");
            let (mood, under_way) = (*self.mood.lock().unwrap(), UnderWay(Arc::clone(&self.under_way)));
            async move {
                let _under_way = under_way;
                match mood {
                    Mood::Well => Ok(()),
                    Mood::Fails => Err("connection\nrefused".to_owned()),
                    Mood::Hangs => std::future::pending().await,
                }
            }
        }
    }

    fn watched() -> (Arc<Health>, Log) {
        let (health, log) = (Arc::new(Health::new()), Log::default());
        tokio::spawn({
            let (health, log) = (Arc::clone(&health), log.clone());
            async move { health.watch(|| log.question()).await }
        });
        (health, log)
    }

    /// As many load balancers do, for so long.
    async fn ask_often(health: &Health, seconds: u64) -> (usize, usize) {
        let (end, mut green, mut red) = (Instant::now() + Duration::from_secs(seconds), 0, 0);
        while Instant::now() < end {
            match health.check().await {
                Ok(()) => green += 1,
                Err(_) => red += 1,
            }
            sleep(Duration::from_millis(10)).await;
        }
        (green, red)
    }

    #[tokio::test(start_paused = true)]
    async fn however_often_it_is_asked_the_log_is_asked_once_a_second() {
        let (health, log) = watched();
        let (green, red) = ask_often(&health, 10).await;
        assert!(green > 500 && red == 0, "{green} {red}");
        assert!((9..=12).contains(&log.asked()), "{}", log.asked());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_needs_to_ask_for_it_to_be_known() {
        let (health, log) = watched();
        sleep(Duration::from_secs(1)).await;
        assert!(health.was_up());
        log.is(Mood::Fails);
        sleep(Duration::from_secs(10)).await;
        assert!(!health.was_up());
        assert!(log.asked() <= 4, "{}", log.asked());
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_refuses_is_red_with_its_reason_and_green_again_by_itself() {
        let (health, log) = watched();
        assert_eq!(health.check().await, Ok(()));
        log.is(Mood::Fails);
        sleep(FRESH_FOR).await;
        let trouble = health.check().await.unwrap_err();
        assert_eq!(trouble.to_string(), "connection refused");
        log.is(Mood::Well);
        sleep(FRESH_FOR).await;
        assert_eq!(health.check().await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_hangs_is_red_in_time_and_not_asked_more() {
        let (health, log) = watched();
        assert_eq!(health.check().await, Ok(()));
        log.is(Mood::Hangs);
        sleep(FRESH_FOR).await;
        let (asked, begun) = (log.asked(), Instant::now());
        assert_eq!(health.check().await, Err(Trouble::Silent(ANSWER_WITHIN)));
        assert!(begun.elapsed() <= ANSWER_WITHIN + Duration::from_millis(10), "{:?}", begun.elapsed());
        // Known to hang: red at once, and a question a 6 seconds.
        let (green, red) = ask_often(&health, 60).await;
        assert!(green == 0 && red > 5_000, "{green} {red}");
        assert!(log.asked() - asked <= 12, "{}", log.asked() - asked);
        log.is(Mood::Well);
        let begun = Instant::now();
        while health.check().await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
        assert!(begun.elapsed() <= GIVEN_UP_AFTER + FRESH_FOR + Duration::from_millis(50), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn without_anybody_who_watches_it_is_red() {
        assert!(Health::new().check().await.is_err());
    }
}
