//! The front door: what connections and readers cost in memory, and how fast a right is gone.

mod readers;
mod resident;
mod revocation;

/// Measures all of it, or one part: `resident`, `readers` or `revocation`.
pub(crate) async fn measure(connections: usize, only: Option<&str>) {
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    if wanted("resident") {
        resident::measure(connections).await;
    }
    if wanted("readers") {
        readers::measure().await;
    }
    if wanted("revocation") {
        revocation::measure().await;
    }
}
