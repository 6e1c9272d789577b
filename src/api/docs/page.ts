// @ts-expect-error the package exports no path to its standalone bundle, and types are of no use for a file
import viewer from '../../../node_modules/@scalar/api-reference/dist/browser/standalone.js' with {
  type: 'file',
};

/**
 * The page of `/api/doc`: Scalar's viewer from inside the executable. Its policy lets it load nothing from elsewhere, so it
 * is the same without a network, and tells nobody that it was opened.
 */

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>ToolHive API Reference</title>
    <link rel="icon" href="data:," />
    <link rel="service-desc" type="application/json" href="/api/openapi.json" />
  </head>
  <body>
    <div id="app"></div>
    <footer><a href="/api/openapi.json">OpenAPI document</a></footer>
    <script src="/api/doc/viewer.js"></script>
    <script src="/api/doc/page.js"></script>
  </body>
</html>
`;

const SCRIPT = `Scalar.createApiReference('#app', {
  url: '/api/openapi.json',
  theme: 'saturn',
  pageTitle: 'ToolHive API Reference',
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: 'never',
  agent: { disabled: true },
  mcp: { disabled: true },
});
`;

export function documentationPage(): Response {
  return new Response(PAGE, {
    headers: { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': POLICY },
  });
}

export function pageScript(): Response {
  return new Response(SCRIPT, { headers: { 'Content-Type': 'text/javascript; charset=utf-8' } });
}

export function viewerScript(): Response {
  return new Response(Bun.file(viewer as string), {
    headers: { 'Content-Type': 'text/javascript; charset=utf-8' },
  });
}
