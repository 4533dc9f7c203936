# What there is to do; `just` alone lists it.

# List the recipes
default:
    @{{ just_executable() }} --list --unsorted

# Run the server with its defaults: SQLite in ./data, http://127.0.0.1:8084
serve *ARGS:
    cargo run -- {{ ARGS }}

# Run the tests against a Redis and a PostgreSQL of their own; arguments go to cargo test
test *ARGS:
    scripts/test {{ ARGS }}

# Run everything that CI runs, or the named steps of it
check *STEPS:
    scripts/check {{ STEPS }}

# Format the code
fmt:
    cargo fmt --all

# Run a benchmark (all without a name) against its floor; writes target/bench/NAME.json
bench *NAME:
    scripts/bench {{ NAME }}

# Write docs/openapi.json from the program
openapi:
    scripts/openapi

# Run the tests under line coverage, and print it per crate
coverage *ARGS:
    scripts/coverage {{ ARGS }}

# Build the container image
docker TAG="ops-center:latest":
    docker build --tag {{ TAG }} .
