//! The files of a folder, for the demo and for trying things out.
//!
//! A handler of our own, since it needs so little: no ranges, no compression, no cache
//! beyond asking each time. A site of its own belongs behind a web server.

use std::io;
use std::path::{Path, PathBuf};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A folder whose files are served.
#[derive(Clone, Debug)]
pub(super) struct Files {
    root: PathBuf,
}

impl Files {
    /// The folder must be there.
    ///
    /// # Errors
    /// As the system says.
    pub(super) fn open(folder: &Path) -> io::Result<Files> {
        let root = folder.canonicalize()?;
        if root.is_dir() { Ok(Files { root }) } else { Err(io::Error::from(io::ErrorKind::NotADirectory)) }
    }

    /// The file of a path as it stands in a URL, or 404. A folder's file is `index.html`.
    pub(super) async fn serve(&self, path: &str) -> Response {
        let Some(wanted) = self.locate(path) else { return missing() };
        let root = self.root.clone();
        match tokio::task::spawn_blocking(move || read(&root, wanted)).await {
            Ok(Ok((content, kind))) => {
                let headers = [
                    (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
                    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
                    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
                ];
                (headers, content).into_response()
            }
            _ => missing(),
        }
    }

    /// Where the path leads, as far as its text tells: never up.
    fn locate(&self, path: &str) -> Option<PathBuf> {
        let decoded = decode_percent(path)?;
        let mut wanted = self.root.clone();
        for part in decoded.split('/') {
            match part {
                "" => {}
                part if part.starts_with('.') || part.contains(['\\', ':', '\0']) => return None,
                part => wanted.push(part),
            }
        }
        Some(wanted)
    }
}

fn read(root: &Path, wanted: PathBuf) -> io::Result<(Vec<u8>, &'static str)> {
    let wanted = if wanted.is_dir() { wanted.join("index.html") } else { wanted };
    // A link may lead out of the folder; what it leads to was not meant to be served.
    let wanted = wanted.canonicalize()?;
    if !wanted.starts_with(root) {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    Ok((std::fs::read(&wanted)?, content_type(&wanted)))
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" | "ts" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn decode_percent(path: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        decoded.push(digit(bytes.next()?)? << 4 | digit(bytes.next()?)?);
    }
    String::from_utf8(decoded).ok()
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "not found\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let files = Files { root: PathBuf::from("/pages") };
        let located = |path| files.locate(path).map(|path| path.to_string_lossy().into_owned());
        assert_eq!(located("/a/b.js").as_deref(), Some("/pages/a/b.js"));
        assert_eq!(located("/a%20b//c").as_deref(), Some("/pages/a b/c"));
        assert_eq!(located("").as_deref(), Some("/pages"));
        for bad in
            ["/../x", "/a/..", "/%2e%2e/x", "/..%2fx", "/a\\..\\x", "/.git/config", "/c:x", "/%00", "/%zz", "/%f"]
        {
            assert_eq!(located(bad), None, "{bad}");
        }
    }

    #[test]
    fn browsers_are_told_what_runs_and_what_compiles() {
        assert_eq!(content_type(Path::new("x/cowrite_bg.wasm")), "application/wasm");
        assert_eq!(content_type(Path::new("x.mjs")), "text/javascript; charset=utf-8");
        assert_eq!(content_type(Path::new("x.mjs.map")), "application/json");
        assert_eq!(content_type(Path::new("x")), "application/octet-stream");
    }
}
