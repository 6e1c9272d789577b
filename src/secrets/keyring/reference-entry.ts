import { CString, dlopen, FFIType, type Pointer, ptr, read } from 'bun:ffi';
import { ADDRESS } from './types.ts';

/**
 * The password where the reference keeps it on Linux and Windows (spec 09 §5.3), which `Bun.secrets` cannot address: another
 * schema of the Secret Service, another target name of the Credential Manager. Best effort: what cannot be looked up is not there.
 */
interface ReferenceEntry {
  find(): string | undefined;
  delete(): void;
}

export function createReferenceEntry(platform: NodeJS.Platform): ReferenceEntry {
  if (platform === 'linux') return quietly(secretService);
  if (platform === 'win32') return quietly(credentialManager);
  return { find: () => undefined, delete: () => undefined };
}

/** The library is loaded on first use, and its absence means that there is nothing. */
function quietly(open: () => ReferenceEntry): ReferenceEntry {
  const attempt = <T>(action: (entry: ReferenceEntry) => T): T | undefined => {
    try {
      return action(open());
    } catch {
      return undefined; // no such library here: nothing was ever stored through it
    }
  };
  return {
    find: () => attempt((entry) => entry.find()),
    delete: () => void attempt((entry) => entry.delete()),
  };
}

/** `sizeof(SecretSchema)`: name, flags, 32 attributes of 16 bytes, reserved words. */
const SCHEMA_BYTES = 592;
const DONT_MATCH_NAME = 2;

function secretService(): ReferenceEntry {
  const { cstring, i32, ptr: pointer } = FFIType;
  const secret = dlopen('libsecret-1.so.0', {
    secret_password_lookupv_sync: { args: [pointer, pointer, pointer, pointer], returns: pointer },
    secret_password_clearv_sync: { args: [pointer, pointer, pointer, pointer], returns: i32 },
    secret_password_free: { args: [pointer], returns: FFIType.void },
  }).symbols;
  const glib = dlopen('libglib-2.0.so.0', {
    g_hash_table_new: { args: [pointer, pointer], returns: pointer },
    g_hash_table_insert: { args: [pointer, cstring, cstring], returns: i32 },
    g_hash_table_unref: { args: [pointer], returns: FFIType.void },
  }).symbols;
  const strings = {
    service: text('service'),
    username: text('username'),
    serviceValue: text(ADDRESS.service),
    usernameValue: text(ADDRESS.name),
    schemaName: text('toolhive'),
  };
  const schema = new Uint8Array(SCHEMA_BYTES);
  const fields = new DataView(schema.buffer);
  fields.setBigUint64(0, BigInt(ptr(strings.schemaName)), true);
  fields.setInt32(8, DONT_MATCH_NAME, true);
  fields.setBigUint64(16, BigInt(ptr(strings.service)), true);
  fields.setBigUint64(32, BigInt(ptr(strings.username)), true);

  const withAttributes = <T>(action: (attributes: Pointer | null) => T): T => {
    // Keys are compared by address, which is enough: the table is only walked through.
    const table = glib.g_hash_table_new(null, null);
    glib.g_hash_table_insert(table, strings.service, strings.serviceValue);
    glib.g_hash_table_insert(table, strings.username, strings.usernameValue);
    try {
      return action(table as Pointer | null);
    } finally {
      glib.g_hash_table_unref(table);
    }
  };
  return {
    find: () =>
      withAttributes((attributes) => {
        const found = secret.secret_password_lookupv_sync(schema, attributes, null, null);
        if (found === null) return undefined;
        const password = new CString(found).toString();
        secret.secret_password_free(found);
        return password;
      }),
    delete: () =>
      void withAttributes((attributes) => secret.secret_password_clearv_sync(schema, attributes, null, null)),
  };
}

const GENERIC_CREDENTIAL = 1;

function credentialManager(): ReferenceEntry {
  const { i32, ptr: pointer, u32 } = FFIType;
  const { CredReadW, CredDeleteW, CredFree } = dlopen('advapi32.dll', {
    CredReadW: { args: [pointer, u32, u32, pointer], returns: i32 },
    CredDeleteW: { args: [pointer, u32, u32], returns: i32 },
    CredFree: { args: [pointer], returns: FFIType.void },
  }).symbols;
  const target = Buffer.from(`${ADDRESS.service}:${ADDRESS.name}\0`, 'utf16le');
  return {
    find() {
      const out = new BigUint64Array(1);
      if (CredReadW(target, GENERIC_CREDENTIAL, 0, out) === 0) return undefined;
      const credential = Number(out[0]) as Pointer;
      // CREDENTIALW on 64 bits: CredentialBlobSize at 32, CredentialBlob at 40.
      const size = read.u32(credential, 32);
      const blob = Number(read.u64(credential, 40)) as Pointer;
      const bytes = Uint8Array.from({ length: size }, (_, index) => read.u8(blob, index));
      CredFree(credential);
      return new TextDecoder().decode(bytes);
    },
    delete: () => void CredDeleteW(target, GENERIC_CREDENTIAL, 0),
  };
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(`${content}\0`);
}
