/** The accounts of a guest; alice is in the group "staff" besides her own. */

export const PASSWD = `root:x:0:0::/root:/bin/sh
alice:x:1000:1000::/tmp:/bin/sh
bob:x:1001:1001::/tmp:/bin/sh
nobody:x:65534:65534::/tmp:/bin/sh
`;
export const GROUP = `root:x:0:
alice:x:1000:
bob:x:1001:
staff:x:2000:alice
nogroup:x:65534:
`;
