import { expect, test } from 'bun:test';
import { renderHelp } from '../cli/index.ts';
import { run } from './run.ts';

test('the help of run', () => {
  const help = renderHelp({ path: 'thv run', command: run, info: { description: 'Run an MCP server' } });
  expect(help).toMatchInlineSnapshot(`
    "Run an MCP server with the specified name, image, or protocol scheme.

    It goes on in the background, behind an HTTP proxy that MCP clients connect to;
    'thv list' shows its URL. ToolHive supports six ways to run an MCP server:

    1. From the registry:

       $ thv run server-name [-- args...]

       Looks up the server in the registry and uses its predefined settings
       (transport, permissions, environment variables, etc.). 'thv search' finds
       names.

    2. From a container image:

       $ thv run ghcr.io/example/mcp-server:latest [-- args...]

       Runs the specified container image directly with the provided arguments

    3. Using a protocol scheme:

       $ thv run uvx://package-name[@version] [-- args...]
       $ thv run npx://package-name[@version] [-- args...]
       $ thv run go://package-name[@version] [-- args...]
       $ thv run go://./local-path [-- args...]

       Automatically generates a container that runs the specified package
       using either uvx (Python with uv package manager), npx (Node.js),
       or go (Golang). For Go, you can also specify local paths starting
       with './' or '../' to build and run local Go projects. Without a container
       engine the package runs as a process of this machine, in a sandbox.

    4. From an exported configuration ('thv export'):

       $ thv run --from-config <path>

       Runs an MCP server using a previously exported configuration file.

    5. Remote MCP server:

       $ thv run <URL> [--name <name>]

       Runs a remote MCP server as a workload, proxying requests to the specified
       URL. This allows remote MCP servers to be managed like local workloads with
       full support for client configuration, tool filtering, import/export, etc.

    6. From a folder with a Dockerfile, package.json, pyproject.toml or go.mod:

       $ thv run ./folder [-- args...]

    The container will be started with the specified transport mode and
    permission profile. Additional configuration can be provided via flags.

    Usage:
      thv run [flags] SERVER_OR_IMAGE_OR_PROTOCOL [-- ARGS...]

    Flags:
          --allow-docker-gateway                        Let an isolated container reach this machine (host.docker.internal and the gateway of the engine)
          --allow-install-scripts                       Let a package and its dependencies run programs while they are installed (runtime process)
          --allowed-origins stringArray                 Origins that web pages may call the proxy from, exactly as browsers send them (default: the proxy itself, on a loopback host)
          --audit-config string                         Path to a file that says what is audited, and where to (JSON or YAML)
          --authz-config string                         Path to a file with the policies that say who may use which tools, prompts and resources (JSON or YAML)
          --build-with stringArray                      Additional Python requirement for a uvx:// package (may be repeated)
          --ca-cert string                              Path to a custom CA certificate file to use for container builds
          --cpus string                                 Processors that the server may use (such as 0.5; default: no limit)
          --enable-audit                                Audit every request with the usual settings, to the workload's log
          --endpoint-prefix string                      Path prefix of SSE endpoint URLs, for a reverse proxy in front that strips it
      -e, --env stringArray                             Environment variables to pass to the MCP server (format: KEY=VALUE)
          --env-file string                             Load environment variables from a single file
          --env-file-dir string                         Load environment variables from all files in a directory
      -f, --foreground                                  Run in foreground mode (block until container exits)
          --forward-authorization                       Send clients' OIDC tokens on to a remote server, which may then use them
          --from-config string                          Load configuration from exported file
          --group string                                Name of the group this workload belongs to (defaults to 'default' if not specified) (default "default")
      -h, --help                                        help for run
          --host string                                 Host for the HTTP proxy to listen on (IP or hostname) (default "127.0.0.1")
          --ignore-globally                             Load global ignore patterns from ~/.config/toolhive/thvignore (default true)
          --image-verification string                   Verify who signed the image (warn, enabled or disabled) (default "warn")
          --isolate-network                             Isolate the network of the server: it reaches only what its permission profile grants
          --js-runtime string                           What runs an npm package: node (this machine's Node.js), bun (built in), or auto (runtime process)
          --jwks-allow-private-ip                       Allow OIDC endpoints on private IP addresses
          --jwks-auth-token-file string                 File with a bearer token to send to the OIDC provider
      -l, --label stringArray                           Set labels on the container (format: key=value)
          --learn-permissions string                    Allow all of the network, and on stop write a permission profile of what was used to this file
          --locked                                      Show and call only tools that are as 'thv lock' recorded them
          --memory string                               Memory that the server may use (such as 512m or 2g; unlimited for no limit; default: half of the machine, 4g at most)
          --name string                                 Name of the MCP server (auto-generated from image if not provided)
          --network string                              Connect the container to a network (e.g., 'host' for host networking)
          --no-sandbox                                  Run a package with all of your rights, not confined by its permission profile (runtime process)
          --oidc-audience string                        Expected audience for the token
          --oidc-client-id string                       OIDC client ID, for introspection
          --oidc-client-secret string                   OIDC client secret, for introspection (better: TOOLHIVE_OIDC_CLIENT_SECRET, which no process list shows)
          --oidc-insecure-allow-http                    Allow OIDC endpoints over plain HTTP (for development)
          --oidc-introspection-url string               URL of the token introspection endpoint, for opaque tokens
          --oidc-issuer string                          OIDC issuer URL (e.g., https://accounts.google.com)
          --oidc-jwks-url string                        URL to fetch the JWKS from
          --oidc-scopes strings                         OAuth scopes to advertise in the protected resource metadata (default: openid)
          --permission-profile string                   Permission profile to use (none, network, or path to JSON file)
          --pids string                                 Processes and threads that the server may have (unlimited for no limit; default: 2048)
          --print-resolved-overlays                     Debug: show resolved container paths for tmpfs overlays, in the workload's log
          --proxy-mode string                           Proxy mode for stdio transport (sse or streamable-http) (default "sse")
          --proxy-port int                              Port for the HTTP proxy to listen on (host port)
      -p, --publish stringArray                         Publish a container's port to the host (format: hostPort:containerPort or containerPort)
          --remote-forward-headers stringArray          Header to add to every request to a remote server (format: Name=Value, may be repeated)
          --remote-forward-headers-secret stringArray   Header to add to every request to a remote server, with the value of a secret (format: Name=SECRET, may be repeated)
          --require-token                               Let in only those who bring an access token of 'thv token create' (or one of the OIDC provider, if there is one)
          --resource-url string                         URL of this server as its clients know it, for the protected resource metadata (RFC 9728)
          --runtime string                              What to run the server on: auto, docker, podman, or process for a package without a container engine
          --runtime-add-package stringArray             Additional system package for the image of a package (may be repeated)
          --runtime-image string                        Base image to build packages on (uvx://, npx://, go://)
          --secret stringArray                          Specify a secret to be fetched from the secrets manager and set as an environment variable (format: NAME,target=TARGET)
          --session-ttl duration                        Time without a request after which a session ends (0 = 2h)
          --stateless                                   The server is stateless: only POST is passed on (SSE or Streamable HTTP transport)
          --strict-protocol-validation                  Refuse requests with an unknown MCP-Protocol-Version header (streamable HTTP proxy)
          --target-host string                          Host to forward traffic to (only applicable to SSE or Streamable HTTP transport) (default "127.0.0.1")
          --target-port int                             Port for the container to expose (only applicable to SSE or Streamable HTTP transport)
          --thv-ca-bundle string                        PEM file with the certificate authorities to trust for OIDC, instead of the system ones
          --token-exchange-audience string              Audience of the exchanged tokens
          --token-exchange-client-id string             OAuth client ID for the token exchange
          --token-exchange-client-secret string         OAuth client secret for the token exchange (better: a file, or TOOLHIVE_TOKEN_EXCHANGE_CLIENT_SECRET)
          --token-exchange-client-secret-file string    File with the OAuth client secret for the token exchange
          --token-exchange-header-name string           Header for the exchanged tokens (default: they take the place of Authorization)
          --token-exchange-scopes strings               Scopes of the exchanged tokens
          --token-exchange-subject-token-type string    Type of the callers' tokens: access_token (default), id_token or jwt
          --token-exchange-url string                   Token endpoint (RFC 8693) where callers' tokens are exchanged for the server's
          --tools stringArray                           Filter MCP server tools (comma-separated list of tool names); may be repeated
          --tools-override string                       Path to a JSON file with other names and descriptions for tools
          --transport string                            Transport mode (sse, streamable-http or stdio); unless given what the registry says, stdio for packages and folders, streamable-http for images
          --trust-proxy-headers                         Trust X-Forwarded-* headers of a reverse proxy in front (Proto, Host, Port, Prefix)
      -v, --volume stringArray                          Mount a volume into the container (format: host-path:container-path[:ro])
          --wait                                        Return only when the workload is running
          --wait-timeout duration                       How long --wait waits (default 2m0s)
          --webhook-config stringArray                  Path to a file with webhooks that are asked before a call goes on (JSON or YAML, may be repeated)

    Global Flags:
          --debug   Enable debug mode
    "
  `);
});
