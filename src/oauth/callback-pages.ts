/** What the browser shows at the end of a login (spec 06 §9.2). */

export function successPage(): Response {
  return page(
    200,
    'Authentication Successful',
    '<h1>Authentication Successful!</h1><p>You can close this window and go back to the terminal.</p>',
    true,
  );
}

export function failurePage(message: string): Response {
  return page(
    400,
    'Authentication Failed',
    `<h1>Authentication Failed</h1><p>${Bun.escapeHTML(message)}</p><p>Please try again from the terminal.</p>`,
  );
}

export function idlePage(): Response {
  return page(
    200,
    'ToolHive OAuth',
    '<h1>ToolHive OAuth Authentication</h1><p>The callback server is running and waits for the login to be completed.</p>',
    true,
  );
}

function page(status: number, title: string, body: string, isOwn = false): Response {
  return new Response(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body>${body}</body></html>`,
    {
      status,
      headers: {
        'Content-Type': 'text/html; charset=utf-8',
        'X-Content-Type-Options': 'nosniff',
        'X-Frame-Options': 'DENY',
        'X-XSS-Protection': '1; mode=block',
        ...(isOwn
          ? {
              'Referrer-Policy': 'strict-origin-when-cross-origin',
              'Content-Security-Policy':
                "default-src 'self'; style-src 'unsafe-inline'; script-src 'none'; object-src 'none';",
            }
          : {}),
      },
    },
  );
}
