// A certified OpenID provider with pages of our own, for the tests: node server.mjs FOLDER_OF_NODE_MODULES CONFIG_FILE
// Its pages have what makes a scripted sign-in hard: a search form first, a one-time value bound to a cookie with a path,
// an alert that is hidden until it is needed, three buttons of one name with Deny as the default.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { pathToFileURL } from 'node:url';

const [modules, configFile] = process.argv.slice(2);
const { Provider } = await import(new URL('oidc-provider/lib/index.js', pathToFileURL(`${modules}/`)));
const config = JSON.parse(readFileSync(configFile));

const provider = new Provider(config.issuer, {
  clients: config.clients,
  jwks: JSON.parse(readFileSync(`${configFile}.keys`)), // made outside: Node 20 hangs now and then when it makes and exports keys
  cookies: { keys: [randomBytes(16).toString('hex')] },
  claims: { openid: ['sub', 'amr', 'auth_time'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
  scopes: ['openid', 'offline_access', 'read'],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_, client) => (client.clientId === 'machine' ? 'https://api.example' : undefined),
      getResourceServerInfo: () => ({ scope: 'read', accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'RS256' } } }),
    },
  },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, email: `${sub}@example.com`, email_verified: true, name: `Synthetic ${sub}`, preferred_username: sub }),
  }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  ttl: { AccessToken: config.access_token_ttl_s, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600, RefreshToken: 3600, ClientCredentials: 600 },
});
provider.on('server_error', (_, error) => console.error(error));

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (title, alert, main) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body>
<form action="/search" role="search"><input name="q" aria-label="Search"><button>Search</button></form>
<div class="alert" role="alert"${alert ? '' : ' hidden'}>${escape(alert || 'Something went wrong')}</div>
<main><h1>${title}</h1>${main}</main></body></html>`;
const hidden = (name, value) => `<input type="hidden" name="${name}" value="${escape(value)}">`;
const captcha = '<div class="h-captcha" data-sitekey="10000000-ffff-ffff-ffff-000000000001"></div>';

const failures = new Map(); // wrong passwords in a row, by user

function loginPage(csrf, user, alert) {
  const failed = failures.get(user) ?? 0;
  if (config.locked_after && failed >= config.locked_after) {
    return page('Sign in', 'Your account is locked. Try again in 15 minutes.', '<p><a href="/help">Help</a></p>');
  }
  const first = config.identifier_first && !user;
  return page('Sign in', alert, `<form method="post">${hidden('_csrf', csrf)}
${first || !config.identifier_first ? `<label>User name <input name="login" autocomplete="username" value="${escape(user)}"></label>` : hidden('login', user)}
${first ? '' : '<label>Password <input name="password" type="password" autocomplete="current-password"></label>'}
<label><input type="checkbox" name="remember" value="1"> Remember me</label>
${config.captcha_after && failed >= config.captcha_after ? captcha : ''}
<button type="submit">${first ? 'Next' : 'Sign in'}</button></form>`);
}

const consentPage = (csrf, details) => page('Authorize', '', `<p>${escape(details.params.client_id)} asks for ${escape(details.params.scope)}.</p>
<form method="post">${hidden('_csrf', csrf)}<button name="decision" value="deny">Deny</button>
<button name="decision" value="later">Not now</button><button name="decision" value="allow">Allow</button></form>`);

async function form(req) {
  let body = '';
  for await (const part of req) {
    body += part;
    if (body.length > 100_000) throw new Error('the form is too large');
  }
  return new URLSearchParams(body);
}

function checkPassword(user, given) {
  const failed = failures.get(user) ?? 0;
  const barred = [config.locked_after, config.captcha_after].some((n) => n && failed >= n);
  if (!barred && user.startsWith('synthetic-') && given === config.password) {
    failures.delete(user);
    return true;
  }
  failures.set(user, failed + 1);
  return false;
}

async function interact(req, res) {
  const details = await provider.interactionDetails(req, res);
  const { uid, prompt, params, session, grantId } = details;
  const path = `/interaction/${uid}`;
  const show = (status, make) => {
    const csrf = randomBytes(12).toString('base64url');
    res.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'set-cookie': `csrf=${csrf}; Path=${path}; HttpOnly; Secure; SameSite=Lax` });
    res.end(make(csrf));
  };
  const finish = (result, merge = true) => provider.interactionFinished(req, res, result, { mergeWithLastSubmission: merge });
  if (req.method !== 'POST') {
    return show(200, (csrf) => (prompt.name === 'login' ? loginPage(csrf, '', '') : consentPage(csrf, details)));
  }
  const sent = await form(req);
  const cookie = /(?:^|; )csrf=([^;]*)/.exec(req.headers.cookie ?? '')?.[1];
  const foreign = ![undefined, new URL(config.issuer).origin].includes(req.headers.origin);
  if (!cookie || cookie !== sent.get('_csrf') || foreign) return show(403, () => page('Forbidden', 'The form has expired.', ''));
  if (prompt.name === 'login') {
    const user = sent.get('login') ?? '';
    if (config.identifier_first && !sent.has('password')) return show(200, (csrf) => loginPage(csrf, user, ''));
    if (!checkPassword(user, sent.get('password'))) {
      return show(200, (csrf) => loginPage(csrf, user, 'Wrong user name or password'));
    }
    return finish({ login: { accountId: user, amr: ['pwd'], remember: sent.has('remember') } }, false);
  }
  if (sent.get('decision') !== 'allow') {
    return finish({ error: 'access_denied', error_description: 'the user refused' }, false);
  }
  const grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (prompt.details.missingOIDCScope) grant.addOIDCScope(prompt.details.missingOIDCScope.join(' '));
  if (prompt.details.missingOIDCClaims) grant.addOIDCClaims(prompt.details.missingOIDCClaims);
  return finish({ consent: { grantId: await grant.save() } });
}

// What the test wants broken: [{id, path, status, headers, body, times, delay_s, drop}], read at each request; the first
// that fits holds.
const told = new Map();
function broken(path) {
  const text = readFileSync(`${configFile}.broken`, 'utf8');
  return JSON.parse(text).find((rule) => {
    const key = `${rule.id} ${rule.path}`;
    const count = told.get(key) ?? 0;
    const fits = rule.path.endsWith('*') ? path.startsWith(rule.path.slice(0, -1)) : path === rule.path;
    if (!fits || (rule.times && count >= rule.times)) return false;
    told.set(key, count + 1);
    return true;
  });
}

const engine = provider.callback();
function answer(req, res, path) {
  if (!path.startsWith('/interaction/')) return engine(req, res);
  return interact(req, res).catch((error) => {
    const expired = error.name === 'SessionNotFound';
    if (!expired) console.error(error);
    if (!res.headersSent) res.writeHead(expired ? 400 : 500, { 'content-type': 'text/html; charset=utf-8' });
    res.end(page('Error', expired ? 'The sign-in has expired.' : 'Internal error', ''));
  });
}
const server = createServer({ key: config.key, cert: config.certificate }, async (req, res) => {
  const path = req.url.split('?')[0];
  const rule = broken(path);
  if (rule?.delay_s) await new Promise((resolve) => setTimeout(resolve, rule.delay_s * 1000));
  if (rule?.drop) return req.socket.destroy();
  if (rule?.status) return res.writeHead(rule.status, rule.headers).end(rule.body);
  return answer(req, res, path);
});
server.listen(config.port, config.ip, () => console.error('the provider is ready'));
