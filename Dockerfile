# syntax=docker/dockerfile:1
# The program and the C library, without a shell. Build: docker build --tag ops-center .
# Run it with a read-only root; all that it keeps is in the volume (and in PostgreSQL and Redis, when it has them).

# Debian 12, as the final image: a program linked against a newer C library would not start there.
FROM rust:1.95-bookworm AS build
# The toolchain of the image; rust-toolchain.toml would make rustup fetch rustfmt and clippy as well.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release -p ops-center \
    && install -D target/release/ops-center /out/usr/local/bin/ops-center \
    && install -D -m 0644 LICENSE /out/usr/share/doc/ops-center/LICENSE \
    && install -d -m 0700 -o 10001 -g 10001 /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/ /
# A new volume takes its owner and mode from here.
COPY --from=build --chown=10001:10001 --chmod=0700 /data /var/lib/ops-center
USER 10001:10001
WORKDIR /var/lib/ops-center
VOLUME /var/lib/ops-center
EXPOSE 8084
# SIGTERM drains: open requests are answered, then the program ends.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/ops-center"]
CMD ["serve", "--data-dir", "/var/lib/ops-center", "--listen", "0.0.0.0:8084"]
