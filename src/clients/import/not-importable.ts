/** An entry that no workload can be made of; the message is for the person. */
export class NotImportable extends Error {}
