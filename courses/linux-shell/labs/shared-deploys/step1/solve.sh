chgrp -R web /srv/app
chmod 2775 /srv/app
chmod 664 /srv/app/VERSION
