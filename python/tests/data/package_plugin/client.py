class Client:
    def serials(self):
        return ['A', 'B']


def connect():
    return Client()
