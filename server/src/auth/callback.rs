//! Roles that the application is asked for.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{Method, Request, header};
use bytes::Bytes;
use cowrite_protocol::frame::Code;
use cowrite_protocol::{DocumentId, UserId};
use http_body_util::Full;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::role_cache::{Answer, Question, RoleCache};
use super::web_client::{WebClient, WebError};
use super::{Denied, Granted, Identity, RoleName, Secret, WebUrl};
use crate::metrics::FrontMetrics;

/// How the application is asked what a user may do.
#[derive(Clone, Debug)]
pub struct CallbackSettings {
    /// Where it is asked.
    pub url: WebUrl,
    /// By which it knows that it is us.
    pub secret: Secret,
    /// How long an answer may take.
    pub within: Duration,
    /// How long an answer holds, unless it says so itself.
    pub holds: Duration,
}

/// Asks the application, and remembers for a moment what it said. Whatever is not a plain answer
/// lets nobody in.
pub(super) struct Callback {
    web: WebClient,
    key: EncodingKey,
    within: Duration,
    holds: Duration,
    questions: Semaphore,
    cache: RoleCache,
    metrics: Arc<FrontMetrics>,
}

#[derive(Serialize)]
struct Asked<'a> {
    user: &'a UserId,
    document: &'a DocumentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answered {
    user: String,
    document: String,
    // A missing role is a mistake, not a "no".
    #[serde(deserialize_with = "Option::deserialize")]
    role: Option<RoleName>,
    for_ms: Option<u64>,
}

#[derive(Debug, Error)]
enum CallbackError {
    #[error(transparent)]
    Web(#[from] WebError),
    #[error("the answer is not {{\"user\", \"document\", \"role\": …, or null}}: {0}")]
    Unreadable(serde_json::Error),
    #[error("the answer speaks of another user or document than the question")]
    OfAnother,
    #[error("the question cannot be signed")]
    Unsigned,
    #[error("no answer within {} ms, or too many questions at once", .0.as_millis())]
    Late(Duration),
}

/// Bytes of an answer.
const MOST_BYTES: usize = 4 << 10;

/// Questions that are asked at once; more wait, as long as an answer may take.
const QUESTIONS: usize = 64;

/// How long an answer may hold that says so itself.
const HOLDS: std::ops::RangeInclusive<u64> = 100..=3_600_000;

/// A "no" holds so long at most: who was just invited does not wait.
const NO_HOLDS: Duration = Duration::from_secs(1);

/// After how many milliseconds it makes sense to ask again, when there was no answer.
const RETRY_MS: u32 = 1_000;

impl Callback {
    /// One that asks as the settings say.
    ///
    /// # Errors
    /// If the system has no certificates by which an `https` address could be verified.
    pub(super) fn new(settings: CallbackSettings, metrics: Arc<FrontMetrics>) -> io::Result<Callback> {
        Ok(Callback {
            web: WebClient::new(settings.url, settings.within, MOST_BYTES)?,
            key: EncodingKey::from_secret(settings.secret.bytes()),
            within: settings.within,
            holds: settings.holds,
            questions: Semaphore::new(QUESTIONS),
            cache: RoleCache::default(),
            metrics,
        })
    }

    /// What the application lets this user do.
    pub(super) async fn role(&self, identity: &Identity, document: &DocumentId) -> Result<Granted, Denied> {
        let question =
            Question { user: identity.user.clone(), document: document.clone(), token: identity.token.clone() };
        let answer = self.cache.answer(&question, || self.answer(&question));
        // Who waits for the answer to somebody else's question asks itself if that one went away.
        let most = self.within * 2;
        match timeout(most, answer).await.unwrap_or_else(|_| self.failed(&CallbackError::Late(most))) {
            Answer::Role { role, holds } => {
                let for_ms = u64::try_from(holds.as_millis()).unwrap_or(u64::MAX);
                Ok(Granted { role, for_ms: Some(for_ms) })
            }
            Answer::No { .. } => Err(Code::AccessDenied.into()),
            Answer::Failed => Err(Denied { code: Code::Unavailable, retry_after_ms: RETRY_MS }),
        }
    }

    async fn answer(&self, question: &Question) -> Answer {
        let late = CallbackError::Late(self.within);
        let asked = Instant::now();
        let answer = timeout(self.within, self.ask(question)).await.unwrap_or(Err(late));
        self.metrics.access_asked(asked.elapsed(), answer.is_ok());
        match answer {
            Ok(Answered { role, for_ms, .. }) => {
                let said = for_ms.map(|ms| Duration::from_millis(ms.clamp(*HOLDS.start(), *HOLDS.end())));
                let holds = said.unwrap_or(self.holds);
                match role {
                    Some(RoleName(role)) => Answer::Role { role, holds },
                    None => Answer::No { holds: holds.min(NO_HOLDS) },
                }
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&self, error: &CallbackError) -> Answer {
        tracing::warn!(url = %self.web.url(), %error, "the application does not say what a user may do");
        Answer::Failed
    }

    async fn ask(&self, question: &Question) -> Result<Answered, CallbackError> {
        let _turn = self.questions.acquire().await.map_err(|_| CallbackError::Late(self.within))?;
        let Question { user, document, token } = question;
        let asked = serde_json::to_string(&Asked { user, document, token: token.as_deref() })
            .map_err(CallbackError::Unreadable)?;
        let answer = self.web.ask(self.signed(asked)?).await?;
        let answered: Answered = serde_json::from_slice(&answer).map_err(CallbackError::Unreadable)?;
        // An answer that was meant for another question, by a mixed-up cache or proxy, opens nothing.
        if answered.user != user.as_str() || answered.document != document.as_str() {
            return Err(CallbackError::OfAnother);
        }
        Ok(answered)
    }

    /// The signature covers the time, too, so that an old question cannot be asked again for ever.
    fn signed(&self, body: String) -> Result<Request<Full<Bytes>>, CallbackError> {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signed = format!("{time}.{body}");
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key, Algorithm::HS256)
            .map_err(|_| CallbackError::Unsigned)?;
        Request::builder()
            .method(Method::POST)
            .header(header::CONTENT_TYPE, "application/json")
            .header("cowrite-timestamp", time)
            .header("cowrite-signature", signature)
            .body(Full::from(body))
            .map_err(|_| CallbackError::Unsigned)
    }
}
