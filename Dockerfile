# syntax=docker/dockerfile:1
# The server alone, in an image without a shell: `docker build -t cowrite .`
# How to run it: docs/production.md. A whole setup to try: compose.yaml.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build

# First the dependencies, behind stubs of our own crates: this layer is built again only when
# a manifest or the lock file changes. All members are named, because Cargo looks for each.
COPY Cargo.toml Cargo.lock ./
COPY protocol/Cargo.toml protocol/
COPY client/Cargo.toml client/
COPY client-wasm/Cargo.toml client-wasm/
COPY leptos/Cargo.toml leptos/
COPY yew/Cargo.toml yew/
COPY server/Cargo.toml server/
COPY tests/Cargo.toml tests/
COPY bench/Cargo.toml bench/
COPY bench/wasm/Cargo.toml bench/wasm/
COPY xtask/Cargo.toml xtask/
COPY examples/bot/Cargo.toml examples/bot/
COPY examples/leptos/Cargo.toml examples/leptos/
COPY examples/yew/Cargo.toml examples/yew/
RUN for member in protocol client client-wasm leptos yew server tests bench bench/wasm xtask examples/bot examples/leptos examples/yew; do \
        mkdir "$member/src" && touch "$member/src/lib.rs"; \
    done \
    && echo 'fn main() {}' > server/src/main.rs \
    && cargo build --profile dist --locked --package cowrite-server

# Then the server. The files may be older than the stubs, and Cargo goes by the time.
COPY protocol/src protocol/src
COPY server/src server/src
RUN touch protocol/src/lib.rs server/src/lib.rs server/src/main.rs \
    && cargo build --profile dist --locked --package cowrite-server \
    && mkdir /build/data


FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cowrite-server" \
      org.opencontainers.image.description="Many people edit one document at once: the server of Cowrite" \
      org.opencontainers.image.source="https://github.com/cowrite/cowrite" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

COPY --from=build /build/target/dist/cowrite-server /usr/local/bin/cowrite-server
# Without Redis, documents are kept in ./data of the working folder, which is /data.
COPY --from=build --chown=65532:65532 /build/data /data
WORKDIR /
VOLUME /data

# The user "nonroot" of the base image, by number, so that it can be checked from outside.
USER 65532:65532
ENV COWRITE_LISTEN=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
# Whether the process lives, not whether its storage answers: a restart mends no Redis.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["/usr/local/bin/cowrite-server", "--health-check"]
ENTRYPOINT ["/usr/local/bin/cowrite-server"]
