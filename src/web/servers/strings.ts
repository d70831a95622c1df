import type { ReactNode } from 'react';
import { phrase, sentence } from '../components/sentence.ts';

export const strings = {
  checkSection: {
    pinned: 'Host key pinned. From now on, only this key is trusted.',
    hostPresents: (hostKey: ReactNode) =>
      sentence`The host presents ${hostKey}. Before pinning it, run this on the host and compare the output:`,
    fingerprintCommand: "Command that prints the host key's fingerprint",
    pinThisKey: 'Pin this key',
    hostKeyType: 'Host key type',
    hostKeyChanged:
      'The last check received a host key that differs from the pinned one. Nothing was sent to the host, and Devpilot does not connect to it.',
    pinnedKey: 'Pinned',
    receivedKey: 'Received',
    compareFirst:
      'A reinstalled machine has a new key, but so does a machine that impersonates yours. Run this on the host and compare the output:',
    trustTheReceivedKey: 'Trust the received key',
    trust: 'Trust',
    trustConsequences: (name: string) =>
      phrase`From now on, only the received key is trusted for ${name}. Devpilot's own key does not change and must be installed on that machine.`,
    spaceIn: (directory: string) => `Space in ${directory}`,
    memory: 'Memory',
    load: 'Load',
    freeOf: (free: string, total: string) => `${free} of ${total} free`,
    loadOf: (load: readonly number[], cpuCount: number | null) =>
      cpuCount === null ? load.join(', ') : `${load.join(', ')} on ${cpuCount} ${cpuCount === 1 ? 'CPU' : 'CPUs'}`,
    title: 'Connection check',
    localDescription: 'Checks that local servers are still allowed.',
    sshDescription:
      'Connects and verifies the pinned host key. Nothing is sent to a host that presents a different key.',
    checkConnection: 'Check connection',
  },
  confirmSection: {
    changedMeanwhile:
      'The server has changed since the page was loaded. Review the current values, then confirm again.',
    confirmed: 'Server confirmed. Apps and scripts can run on it.',
    title: 'Not confirmed',
    description:
      'This server was created with an API key, or its host, port, user or host key was changed. Nothing runs on it until an owner or admin confirms it.',
    installPublicKey:
      'First install the public key below on the server, even if an earlier public key is installed there.',
    confirmServer: 'Confirm server',
    target: ({ address, port, hostKey }: { address: ReactNode; port: number | null; hostKey: ReactNode }) =>
      hostKey === null
        ? sentence`Deployments and scripts will run on ${address}, port ${port}, with no host key pinned yet.`
        : sentence`Deployments and scripts will run on ${address}, port ${port}, with the host key ${hostKey}.`,
  },
  serverDialogs: {
    fieldLabels: { name: 'Name', host: 'Host', port: 'Port', user: 'User', hostKey: 'Host key' },
    host: 'Host',
    hostPlaceholder: 'web-1.example.com',
    port: 'Port',
    user: 'User',
    userDescription: 'The user Devpilot logs in as. It needs no password and no root access.',
    userPlaceholder: 'deploy',
    hostKeyOptional: 'Host key (optional)',
    hostKeyOptionalDescription:
      "The server's public host key, such as the content of /etc/ssh/ssh_host_ed25519_key.pub. Devpilot does not log in without it; you can also pin it after the first check.",
    hostKeyOptionalPlaceholder: 'ssh-ed25519 AAAA…',
    namePlaceholder: 'Web 1',
    kind: 'Kind',
    ssh: 'SSH',
    sshDescription: 'A remote machine. Devpilot connects to it over SSH.',
    local: 'Local',
    localDescription: "The machine that runs Devpilot. Commands run as Devpilot's user.",
    changesHaveConsequences:
      'Changing the host, port, user or pinned host key generates a new key pair. Nothing then runs on the server until an owner or admin confirms it.',
    consequences:
      'Devpilot deletes its key pair for this server; nothing on the machine itself is changed. A server that apps or scripts still use cannot be deleted.',
  },
  serverForm: {
    hostMissing: 'Enter a host name or IP address',
    userMissing: 'Enter the user to log in as',
    portInvalid: 'Must be a port from 1 to 65535',
  },
  serverPage: {
    publicKeyTitle: "Devpilot's public key",
    publicKeyDescription: (user: string | null, host: string | null) =>
      `Install it for user ${user} on ${host}. The private key stays encrypted in Devpilot.`,
    publicKey: 'Public key',
    copyKey: 'Copy key',
    orLogIn: (user: string | null) => `Or log in to the server as ${user} and run:`,
    installCommand: 'Command that installs the key',
    copyCommand: 'Copy command',
    addressWithPort: (user: string | null, host: string | null, port: number | null) => `${user}@${host}, port ${port}`,
    localDescription: "The machine that runs Devpilot. Commands run as Devpilot's user.",
    appsOnThisServerTitle: 'Apps on this server',
    emptyText: 'No apps use this server.',
    detailsTitle: 'Details',
    items: {
      kind: 'Kind',
      host: 'Host',
      port: 'Port',
      user: 'User',
      hostKey: 'Host key',
    },
    ssh: 'SSH',
    local: 'Local',
    notPinned: 'Not pinned',
  },
  serversPage: {
    address: 'Address',
    local: 'Local',
    hostKey: 'Host key',
    notPinned: 'Not pinned',
    pinned: 'Pinned',
    confirmed: 'Confirmed',
    yes: 'Yes',
    no: 'No',
    description:
      'The machines on which apps and scripts run. Devpilot generates a key pair for each SSH server and shows only the public key.',
    emptyHint:
      'Add a machine that runs an SSH server, install the public key that Devpilot shows, and check the connection.',
  },
};
