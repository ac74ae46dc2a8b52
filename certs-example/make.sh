#!/bin/sh
# Makes the certificates in this folder: a test CA, a server leaf, a client leaf.
# For tests only. See README.md.
set -eu
cd "$(dirname "$0")"
umask 077

days=3650

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A P-256 key in PKCS#8 ("BEGIN PRIVATE KEY").
key() {
    openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
        -pkeyopt ec_param_enc:named_curve -out "$work/$1.key"
}

# A leaf signed by the CA: name, subject, extensions.
leaf() {
    key "$1"
    openssl req -new -key "$work/$1.key" -subj "$2" -out "$work/$1.csr"
    printf '%s\n' \
        'basicConstraints = critical, CA:FALSE' \
        'keyUsage = critical, digitalSignature' \
        'subjectKeyIdentifier = hash' \
        'authorityKeyIdentifier = keyid:always' \
        "$3" >"$work/$1.ext"
    openssl x509 -req -sha256 -days "$days" -in "$work/$1.csr" \
        -CA "$work/ca.pem" -CAkey "$work/ca.key" \
        -set_serial "0x$(openssl rand -hex 15 | sed 's/^/01/')" \
        -extfile "$work/$1.ext" -out "$work/$1.pem" 2>/dev/null
    openssl verify -CAfile "$work/ca.pem" "$work/$1.pem" >/dev/null
}

key ca
cat >"$work/ca.cnf" <<'CNF'
[req]
distinguished_name = dn
x509_extensions = ca
[dn]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CNF
openssl req -x509 -new -sha256 -days "$days" -config "$work/ca.cnf" \
    -key "$work/ca.key" -subj '/CN=shadowtee test CA' -out "$work/ca.pem"

leaf server '/CN=shadowtee test server' 'extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, DNS:app.example, IP:127.0.0.1, IP:::1'
leaf client '/CN=shadowtee test client' 'extendedKeyUsage = clientAuth
subjectAltName = DNS:client.example'

# All or nothing: the old files go only when every new one is made.
for name in ca server client; do
    chmod 0600 "$work/$name.key"
    chmod 0644 "$work/$name.pem"
    mv -f "$work/$name.key" "$work/$name.pem" .
done

echo "made in $(pwd): ca.pem ca.key server.pem server.key client.pem client.key" >&2
