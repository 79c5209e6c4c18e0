// Certificates for brokers that ask for TLS, by an authority of the test's own.

import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The kinds of certificates, as openssl reads them. */
const CONFIG = `
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
[server]
basicConstraints = CA:FALSE
subjectAltName = IP:127.0.0.1
[client]
basicConstraints = CA:FALSE
`;

/** A certificate and its private key, as PEM files. @typedef {{ certificate: string, key: string }} Certified */

/**
 * Makes an authority, and certificates by it for a server of this computer and for a client.
 * @param {string} folder for their files
 * @returns {Promise<{ authority: Certified, server: Certified, client: Certified }>}
 */
export async function makeCertificates(folder) {
  const config = join(folder, 'openssl.conf');
  await writeFile(config, CONFIG);
  /**
   * @param {string} kind
   * @param {Certified} [issuer] without one it signs itself
   * @returns {Certified}
   */
  const make = (kind, issuer) => {
    const made = { certificate: join(folder, `${kind}.pem`), key: join(folder, `${kind}.key`) };
    const signed = issuer ? ['-CA', issuer.certificate, '-CAkey', issuer.key] : [];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
    const what = ['-config', config, '-extensions', kind, '-subj', `/CN=mqdrop test ${kind}`, '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...what, ...signed, '-keyout', made.key, '-out', made.certificate], { stdio: 'pipe' });
    return made;
  };
  const authority = make('authority');
  return { authority, server: make('server', authority), client: make('client', authority) };
}
