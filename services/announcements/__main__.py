from services.announcements.app import service
from services.announcements.settings import Settings
from shared.service import serve

if __name__ == "__main__":
    serve(service(Settings()))
